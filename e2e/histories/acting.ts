import type { Access, Deed, Facts, Ledger, RefreshFacts, Reply } from './ledger.ts'
import { counterOf, issuedBy } from './ledger.ts'
import type { Plan, PlannedDeed } from './plan.ts'
import { changesOf, mayBePassword } from './reasons.ts'

/** The way to identity, whichever it is. */
export interface Door {
  readonly ask: (facts: Facts, planned: PlannedDeed) => Promise<Reply>
  /** Resolves when it is this deed's turn in its round. */
  readonly turn: (planned: PlannedDeed) => Promise<void>
  /** Runs deeds at the same time. */
  readonly together: (deeds: readonly Promise<void>[]) => Promise<void>
  /** Lets the store's clock go on. */
  readonly advanceMs: (ms: number) => void
  readonly rotateKeys: () => Promise<void>
  /** Breaks something. */
  readonly disturb: (planned: PlannedDeed) => Promise<void>
  /** Resolves when nothing is broken any more. */
  readonly untilWhole: () => Promise<void>
}

/** Lives through a planned history, and then asks what has become of everything. */
export async function live(plan: Plan, ledger: Ledger, door: Door): Promise<void> {
  const actOnce = async (planned: PlannedDeed): Promise<void> => {
    await door.turn(planned)
    await act(planned, ledger, door)
  }
  await door.together(Array.from({ length: plan.devices }, () => actOnce(plain('login'))))
  for (const { clockStepMs, deeds } of plan.rounds) {
    door.advanceMs(clockStepMs)
    await door.together(deeds.map(actOnce))
  }
  await door.untilWhole()
  await door.together([probe(ledger, door)])
}

async function act(planned: PlannedDeed, ledger: Ledger, door: Door): Promise<void> {
  if (planned.kind === 'rotate-keys') return door.rotateKeys()
  if (planned.kind === 'disturb') return door.disturb(planned)
  const facts = factsOf(planned, ledger)
  if (facts !== undefined) await ledger.record(facts, () => door.ask(facts, planned))
}

/** Undefined when nobody is signed in who could do it. */
function factsOf(planned: PlannedDeed, ledger: Ledger): Facts | undefined {
  const { kind } = planned
  if (kind === 'block' || kind === 'unblock') return { kind }
  const password = planned.isPasswordWrong ? 'a wrong one' : believedPassword(ledger)
  if (kind === 'login') return { kind, password }
  const devices = devicesOf(ledger)
  const device = devices[planned.device % devices.length]
  const another = devices[(planned.device + 1) % devices.length]
  if (device === undefined || another === undefined) return undefined
  const { sessionId } = device
  const by = { access: device.access }
  const refresh = tokenOf(device, planned.token)
  switch (kind) {
    case 'refresh':
      return {
        kind,
        sessionId,
        refresh,
        attempt: planned.hasAttempt ? newAttempt(ledger) : undefined,
      }
    case 'retry':
      return device.lastRefresh
    case 'logout-by-refresh-token':
      return { kind: 'ending', sessionId, by: { refresh } }
    case 'logout-by-access-token':
      return { kind: 'ending', sessionId, by }
    case 'end-another':
      return { kind: 'ending', sessionId: another.sessionId, by }
    case 'everywhere':
      return { kind, sessionId, refresh }
    case 'password-change': {
      const next = `password number ${changesOf(ledger).length + 1}`
      return { kind, sessionId, by, current: password, next }
    }
    case 'show':
      return { kind: 'showing', sessionId, by }
    case 'rotate-keys':
    case 'disturb':
      return undefined
  }
}

/** What a device knows: only what it was answered. */
interface Device {
  readonly sessionId: string
  /** Each refresh token that it was ever given, the oldest first. */
  readonly refreshTokens: readonly string[]
  readonly access: Access
  readonly lastRefresh: RefreshFacts | undefined
}

function devicesOf({ deeds }: Ledger): readonly Device[] {
  const logins = deeds.filter(({ kind, access }) => kind === 'login' && access !== undefined)
  return logins.map((login) => {
    const sessionId = login.access?.claims.sid ?? ''
    const own = deeds.filter(({ access }) => access?.claims.sid === sessionId)
    const newest = own.reduce((one, other) => (other.to.place > one.to.place ? other : one), login)
    const tokens = new Set(own.map(issuedBy).filter((token) => token !== undefined))
    const last = deeds.findLast((deed) => isRefreshOf(deed, sessionId))
    return {
      sessionId,
      refreshTokens: [...tokens].toSorted((one, other) => counterOf(one) - counterOf(other)),
      access: newest.access ?? unheardOf(),
      lastRefresh: last === undefined ? undefined : factsOfRefresh(last),
    }
  })
}

function isRefreshOf(deed: Deed, sessionId: string): deed is Deed & RefreshFacts {
  return deed.kind === 'refresh' && deed.sessionId === sessionId
}

function factsOfRefresh({ kind, sessionId, refresh, attempt }: RefreshFacts): RefreshFacts {
  return { kind, sessionId, refresh, attempt }
}

function tokenOf({ refreshTokens }: Device, which: PlannedDeed['token']): string {
  const places = { newest: -1, previous: -2, oldest: 0 }
  return refreshTokens.at(places[which]) ?? refreshTokens.at(-1) ?? unheardOf()
}

function newAttempt({ deeds }: Ledger): string {
  return `attempt ${deeds.length}`
}

/** The last one that the person was told is good. */
function believedPassword(ledger: Ledger): string {
  const change = changesOf(ledger).findLast(({ reply }) => reply.kind === 'done')
  return change?.next ?? ledger.firstPassword
}

/** One after the other: every newest token, and every password that may be the right one. */
async function probe(ledger: Ledger, door: Door): Promise<void> {
  const ask = (facts: Facts): Promise<Deed> =>
    ledger.record(facts, () => door.ask(facts, plain('show')))
  for (const { sessionId, access, refreshTokens } of devicesOf(ledger)) {
    await ask({ kind: 'showing', sessionId, by: { access } })
    const refresh = refreshTokens.at(-1) ?? unheardOf()
    const { access: fresh } = await ask({
      kind: 'refresh',
      sessionId,
      refresh,
      attempt: newAttempt(ledger),
    })
    await ask({ kind: 'showing', sessionId, by: { access: fresh ?? access } })
  }
  const known = [ledger.firstPassword, ...changesOf(ledger).map(({ next }) => next)]
  for (const password of known) {
    const login = { kind: 'login', password } as const
    if (mayStillBe(ledger, password)) await ask(login)
  }
}

/** Whether it may be the right password now. */
function mayStillBe(ledger: Ledger, password: string): boolean {
  const [last] = ledger.deeds.slice(-1)
  return last === undefined || mayBePassword(ledger, password, last)
}

/** A deed to which nothing happens on the way. */
function plain(kind: PlannedDeed['kind']): PlannedDeed {
  return {
    kind,
    device: 0,
    token: 'newest',
    hasAttempt: false,
    isPasswordWrong: false,
    isLost: false,
    node: 0,
    delayMs: 0,
  }
}

function unheardOf(): never {
  throw new TypeError('a device has no tokens')
}
