import type { TestContext } from 'node:test'
import type { AttemptStore } from '../src/domain/login-attempts.ts'
import { createAttemptKeys } from '../src/domain/login-attempts.ts'
import type { Observation } from '../src/domain/login-protection.ts'
import { createLoginProtection } from '../src/domain/login-protection.ts'
import type { LoginOutcome } from '../src/domain/login.ts'
import { login } from '../src/domain/login.ts'
import { createStrangerBudget } from '../src/domain/stranger-budget.ts'
import type { Database } from '../src/store/database.ts'
import type { LoginBounds } from '../src/store/login-attempts.ts'
import { createAttemptStore } from '../src/store/login-attempts.ts'
import type { ChosenClock } from './chosen-clock.ts'
import { createChosenClock } from './chosen-clock.ts'
import type { Engine } from './engines.ts'
import type { StoreParts } from './store-parts.ts'
import { openPartsAt } from './store-parts.ts'

/** Ten tries, then up to a quarter of an hour; a hundred a network; as the settings have it. */
export const bounds: LoginBounds = {
  account: { freeTries: 10, delaySecondsMax: 900 },
  network: { freeTries: 100, delaySecondsMax: 36 },
  knownNetworkDays: 90,
}

/** Logins of some people over a real store with the protection before it, and hashes that cost nothing. */
export interface GuardedLogins {
  readonly clock: ChosenClock
  readonly store: StoreParts
  readonly parts: StoreParts['parts']
  readonly attempts: AttemptStore
  /** The passwords that were hashed, in their order. */
  readonly hashed: string[]
  /** What the login and its protection asked the store for, in its order. */
  readonly calls: string[]
  readonly observed: Observation[]
  readonly tryAs: (identifier: string, password: string, address: string) => Promise<LoginOutcome>
  /** Everything that was counted, by how much. */
  readonly counters: () => Promise<readonly Readonly<Record<string, unknown>>[]>
  /** The same store in another process. */
  readonly reopen: (t: TestContext) => Promise<GuardedLogins>
}

export interface GuardedOptions {
  readonly people?: readonly string[]
  readonly strangerTriesPerMinute?: number
}

export async function openGuardedLogins(
  t: TestContext,
  engine: Engine,
  options: GuardedOptions = {},
): Promise<GuardedLogins> {
  return openAt(t, await engine.createStore(t), createChosenClock(), options)
}

async function openAt(
  t: TestContext,
  url: string,
  clock: ChosenClock,
  options: GuardedOptions,
): Promise<GuardedLogins> {
  const { people = ['alice'], strangerTriesPerMinute = 100_000 } = options
  const store = await openPartsAt(url, clock.now, people)
  t.after(store.database.close)
  const hashed: string[] = []
  const calls: string[] = []
  const { accounts } = store.parts
  const { read, write } = store.database
  const counting: Database = {
    ...store.database,
    read: (...given) => {
      calls.push('read')
      return read(...given)
    },
    write: (...given) => {
      calls.push('write')
      return write(...given)
    },
  }
  const attempts = createAttemptStore(counting, bounds)
  const observed: Observation[] = []
  const { passwords } = store.parts
  const parts: StoreParts['parts'] = {
    ...store.parts,
    accounts: {
      ...accounts,
      findByIdentifier: (identifier) => {
        calls.push('find')
        return accounts.findByIdentifier(identifier)
      },
    },
    protection: createLoginProtection({
      attempts,
      keysOf: createAttemptKeys(Buffer.alloc(32, 1)),
      accountBound: bounds.account,
      strangers: createStrangerBudget(strangerTriesPerMinute, clock.now),
      report: (observation) => observed.push(observation),
    }),
    passwords: {
      ...passwords,
      verify: (hash, password, asker) => {
        hashed.push(password)
        return passwords.verify(hash, password, asker)
      },
    },
  }
  return {
    clock,
    store,
    parts,
    attempts,
    hashed,
    calls,
    observed,
    tryAs: (identifier, password, address) =>
      login(parts, { identifier, password, network: address }),
    counters: () => store.database.read('SELECT * FROM login_counters ORDER BY key'),
    reopen: (again) => openAt(again, url, clock, options),
  }
}

export const home = '192.0.2.1'
export const elsewhere = '198.51.100.7'
export const right = 'alice-password'
export const minuteMs = 60_000
export const dayMs: number = 24 * 60 * minuteMs
export const tenWrong: readonly string[] = Array.from({ length: 10 }, () => 'bad-credentials')

/** Tries one after the other, and what they came to; as a stranger with a wrong password unless told otherwise. */
export async function tryOften(
  { tryAs }: GuardedLogins,
  times: number,
  { identifier = 'alice', password = 'wrong', address = elsewhere } = {},
): Promise<readonly string[]> {
  const words: string[] = []
  for (let n = 0; n < times; n += 1) words.push(wordOf(await tryAs(identifier, password, address)))
  return words
}

/** What a login came to, in a word. */
export function wordOf(outcome: LoginOutcome): string {
  if (outcome.kind === 'refused') return outcome.why
  if (outcome.kind === 'throttled') return `throttled for ${outcome.retryAfterSeconds} s`
  return outcome.kind
}
