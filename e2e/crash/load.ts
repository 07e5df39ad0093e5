import { administer } from './administration.ts'
import type { CallName } from './door.ts'
import {
  block,
  changePassword,
  endFromElsewhere,
  logOut,
  logOutEverywhere,
  unblock,
} from './ending.ts'
import type { HeldSession, Person } from './ledger.ts'
import { liveSessions } from './ledger.ts'
import { refreshAgainst, refreshAsTwo, refreshImpatiently, refreshOnce } from './refreshing.ts'
import type { Scene } from './scene.ts'
import { newAttempt } from './scene.ts'
import { signIn } from './signing-in.ts'

/** One thing that a person with two live sessions may do. */
interface Deed {
  readonly call: CallName
  /** How many times out of all the weights together. */
  readonly weight: number
  readonly run: (
    scene: Scene,
    person: Person,
    session: HeldSession,
    other: HeldSession,
  ) => Promise<void>
}

/** Mostly refreshes. What ends sessions is rare, because every login costs a password hash. */
const deeds: readonly [Deed, ...Deed[]] = [
  {
    call: 'refresh',
    weight: 40,
    run: (...who) => refreshOnce(who[0], who[1], who[2], newAttempt()),
  },
  { call: 'refresh', weight: 25, run: (...who) => refreshOnce(who[0], who[1], who[2]) },
  { call: 'refresh', weight: 25, run: refreshImpatiently },
  { call: 'refresh', weight: 1, run: refreshAsTwo },
  { call: 'logout', weight: 2, run: logOut },
  {
    call: 'logout',
    weight: 1,
    run: (scene, person, session) =>
      refreshAgainst(scene, person, session, () => logOut(scene, person, session)),
  },
  { call: 'end-session', weight: 2, run: endFromElsewhere },
  { call: 'logout-everywhere', weight: 1, run: logOutEverywhere },
  {
    call: 'logout-everywhere',
    weight: 1,
    run: (scene, person, session, other) =>
      refreshAgainst(scene, person, session, () => logOutEverywhere(scene, person, other)),
  },
  { call: 'password-change', weight: 1, run: changePassword },
  { call: 'block', weight: 1, run: block },
]

/** A call that is wanted soon, because a kill is to hit it. Whoever makes it takes it away. */
export interface Wish {
  call: CallName | undefined
}

/**
 * Everybody acts at once, each one step after the other, until it is over. Whoever was not answered waits
 * until the store has been looked at.
 */
export async function act(scene: Scene, wish: Wish, isOver: () => boolean): Promise<void> {
  const { administrator, people } = scene.ledger
  await Promise.all(
    people.map(async (person) => {
      while (!isOver() && person.doubts.size === 0) {
        if (person === administrator) await administer(scene, takes(wish, 'rotate-keys'))
        else await takeStep(scene, person, wish)
      }
    }),
  )
}

async function takeStep(scene: Scene, person: Person, wish: Wish): Promise<void> {
  if (person.isBlocked) return unblock(scene, person)
  const [session, other] = shuffled(scene, liveSessions(person))
  if (session === undefined || other === undefined || takes(wish, 'login')) {
    return signIn(scene, person)
  }
  const deed = deeds.find(({ call }) => takes(wish, call)) ?? chooseDeed(scene)
  return deed.run(scene, person, session, other)
}

function takes(wish: Wish, call: CallName): boolean {
  if (wish.call !== call) return false
  wish.call = undefined
  return true
}

function chooseDeed({ chance }: Scene): Deed {
  const total = deeds.reduce((sum, { weight }) => sum + weight, 0)
  let left = chance.integer(1, total)
  for (const deed of deeds) {
    left -= deed.weight
    if (left <= 0) return deed
  }
  return deeds[0]
}

/** Any two of them, in any order. */
function shuffled({ chance }: Scene, sessions: readonly HeldSession[]): readonly HeldSession[] {
  const from = chance.integer(0, Math.max(0, sessions.length - 1))
  return [...sessions.slice(from), ...sessions.slice(0, from)]
}
