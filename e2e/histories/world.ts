import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Keyring } from '../../packages/identity/src/domain/keyring.ts'
import { openKeyring } from '../../packages/identity/src/domain/keyring.ts'
import { createSealer } from '../../packages/identity/src/domain/sealing.ts'
import { createKeyStore } from '../../packages/identity/src/store/keys.ts'
import { createChosenClock } from '../../packages/identity/test/chosen-clock.ts'
import { storeIssuer } from '../../packages/identity/test/opened-store.ts'
import { openPartsAt } from '../../packages/identity/test/store-parts.ts'
import type { Parts, Person } from './domain-door.ts'
import { followLog } from './followed-log.ts'
import type { Store } from './remains.ts'

/** A store with everything between HTTP and it, for many histories of one account each. */
export interface World {
  readonly now: () => number
  readonly advanceMs: (ms: number) => void
  /** What runs at the moment; while it is being started again, the next one. */
  readonly life: () => Promise<Life>
  /** Ends what runs in the middle of whatever it does, and starts it again over the same store. */
  readonly crash: () => Promise<void>
  /** Somebody who has no history yet; undefined when everybody has. */
  readonly nextPerson: () => Person | undefined
  readonly store: Store
  readonly close: () => Promise<void>
}

/** From a start to a crash. */
export interface Life {
  readonly parts: Parts
  readonly keyring: Keyring
  readonly isOver: () => boolean
  /** Resolves when it has crashed, and nothing of it can take effect any more. */
  readonly over: Promise<void>
}

const sealer = createSealer(randomBytes(32), randomBytes)
/** Of all the key pairs, those that are made and used the quickest. */
const algorithm = 'ES256'

export async function openWorld(url: string, peopleCount: number): Promise<World> {
  const { now, advanceMs } = createChosenClock()
  const people = Array.from({ length: peopleCount }, (_, at) => `person-${at}`)
  const start = (): Promise<StartedLife> => startLife(url, now, people)
  let current = await start()
  let coming: Promise<StartedLife> = Promise.resolve(current)
  const crashAndStart = async (running: Promise<StartedLife>): Promise<StartedLife> => {
    await (await running).crash()
    current = await start()
    return current
  }
  const waiting = people.values()
  return {
    now,
    advanceMs,
    life: () => coming,
    crash: async () => {
      coming = crashAndStart(coming)
      await coming
    },
    nextPerson: () => {
      const { value: identifier } = waiting.next()
      return identifier === undefined ? undefined : { id: identifier.padEnd(22, 'A'), identifier }
    },
    store: {
      read: (...statement) => current.opened.database.read(...statement),
      log: followLog(() => current.opened.log, storeIssuer),
    },
    close: async () => (await coming).opened.database.close(),
  }
}

interface StartedLife extends Life {
  readonly opened: Awaited<ReturnType<typeof openPartsAt>>
  readonly crash: () => Promise<void>
}

async function startLife(
  url: string,
  now: () => number,
  people: readonly string[],
): Promise<StartedLife> {
  const opened = await openPartsAt(url, now, people)
  assert.notEqual(opened.epoch.kind, 'renewed', 'a new epoch began, and nothing was lost')
  const keys = createKeyStore(opened.database, opened.log.exclusive)
  const settings = { jwksMaxAgeSeconds: 1, keyRotationDays: 30, sharedKids: [] }
  const keyring = await openKeyring({ keys, sealer, ...settings }, new Set([algorithm]))
  assert.ok(keyring.kind === 'keyring')
  const { promise: over, resolve: end } = Promise.withResolvers<void>()
  let isOver = false
  return {
    opened,
    keyring: keyring.keyring,
    parts: { ...opened.parts, sign: async (claims) => keyring.keyring.sign(claims, algorithm) },
    isOver: () => isOver,
    over,
    crash: async () => {
      isOver = true
      await opened.database.close()
      end()
    },
  }
}
