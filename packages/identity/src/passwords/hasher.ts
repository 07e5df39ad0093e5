import { hash } from '@node-rs/argon2'
import { StartError } from '@portcullis/runtime'
import type { NormalisedPassword, PasswordHasher } from '../domain/passwords.ts'
import { normalisePassword } from '../domain/passwords.ts'
import type { Asker } from '../domain/turnstile.ts'
import { createTurnstile, shareOfStrangers } from '../domain/turnstile.ts'
import type { HashCost } from '../domain/hash-cost.ts'
import { defaultHashCost, isWeaker } from '../domain/hash-cost.ts'
import type { PasswordHash } from './password-hash.ts'
import { parsePasswordHash } from './password-hash.ts'
import { hashesRunningMaxOf } from '../settings/thread-pool.ts'

export interface HasherOptions {
  /** Default: `defaultHashCost`. From a setting: what `hashCostFault` has let through. */
  readonly cost?: HashCost
  /** How many run at once; default: as many as there are cores, and one less than there are threads. */
  readonly runningMax?: number | undefined
  /** How many more may wait, half of them strangers; default 100, about a second of work for two idle cores. */
  readonly waitingMax?: number | undefined
  /** A clock that never goes back, in milliseconds; default `performance.now`. */
  readonly nowMs?: () => number
}

const waitingMaxByDefault = 100

/**
 * Hashes with argon2id (RFC 9106), and checks what `parsePasswordHash` reads. Strangers ask for both, at
 * login and when they register: few run at once, some wait, and the rest is told when to come back. Half of
 * the places are kept for people who are known, whose turn is always the next one.
 */
export function createHasher({
  cost = defaultHashCost,
  runningMax = hashesRunningMaxOf({}),
  waitingMax = waitingMaxByDefault,
  nowMs = () => performance.now(),
}: HasherOptions = {}): PasswordHasher {
  if (!isCount(runningMax, 1) || !isCount(waitingMax, 0)) {
    throw new StartError(
      `${runningMax} hashes cannot run at once while ${waitingMax} wait`,
      'Let at least 1 run, and 0 or more wait.',
    )
  }
  const queue = createQueue(runningMax, waitingMax, nowMs)
  return {
    hash: async (password, asker) => {
      const turn = queue.take(asker, () => hashPassword(password, cost))
      if (turn === undefined) return queue.busy()
      return { kind: 'hashed', passwordHash: await turn }
    },
    verify: async (passwordHash, typed, asker) => {
      const turn = queue.take(asker, () => check(passwordHash, typed, cost))
      return turn === undefined ? queue.busy() : turn
    },
    whenFull: (asker) => (queue.isFull(asker) ? queue.busy() : undefined),
  }
}

function isCount(value: number, min: number): boolean {
  return Number.isInteger(value) && value >= min
}

/** Hashes at once, whatever waits: for what no stranger asks for. */
export function hashPassword(
  password: NormalisedPassword,
  cost: HashCost = defaultHashCost,
): Promise<string> {
  const { memoryKib, passes, lanes } = cost
  return hash(password, { memoryCost: memoryKib, timeCost: passes, parallelism: lanes })
}

async function check(
  passwordHash: string,
  typed: string,
  cost: HashCost,
): Promise<{ readonly kind: 'match'; readonly rehash?: true } | { readonly kind: 'mismatch' }> {
  const parsed = parsePasswordHash(passwordHash)
  const stored = parsed.kind === 'password-hash' ? parsed.hash : undefined
  const isPresent = stored !== undefined && !needsRehash(stored, cost)
  const normalised = normalisePassword(typed)
  // Other systems may have hashed what was typed; mostly it is the same.
  for (const text of new Set([normalised, typed])) {
    if ((await stored?.matches(text)) === true) {
      return isPresent ? { kind: 'match' } : { kind: 'match', rehash: true }
    }
    // A cheaper hash must not tell by its time that the account exists: one of ours is made as well.
    if (!isPresent) await hashPassword(normalised, cost)
  }
  return { kind: 'mismatch' }
}

function needsRehash({ argon2idCost }: PasswordHash, cost: HashCost): boolean {
  return argon2idCost === undefined || isWeaker(argon2idCost, cost)
}

interface Queue {
  readonly isFull: (asker: Asker) => boolean
  /** Undefined when it is full. */
  readonly take: <Result>(asker: Asker, job: () => Promise<Result>) => Promise<Result> | undefined
  readonly busy: () => { readonly kind: 'busy'; readonly retryAfterSeconds: number }
}

/** How long a job takes until one was measured, and what the newest measurement counts for. */
const jobMsAtFirst = 25
const newestShare = 0.1
const retryAfterSecondsMax = 60

/** Runs `runningMax` jobs at once and lets `waitMax` more wait, of strangers half as many. */
function createQueue(runningMax: number, waitMax: number, nowMs: () => number): Queue {
  const turnstile = createTurnstile(runningMax)
  const strangersMax = shareOfStrangers(waitMax)
  let jobMs = jobMsAtFirst

  const timed = async <Result>(job: () => Promise<Result>): Promise<Result> => {
    const startedAt = nowMs()
    try {
      return await job()
    } finally {
      jobMs += newestShare * (nowMs() - startedAt - jobMs)
    }
  }
  const waiting = (): number => turnstile.waiting('known') + turnstile.waiting('strangers')
  const isFull = (asker: Asker): boolean => {
    if (turnstile.running() < runningMax) return false
    const isShareTaken = asker === 'strangers' && turnstile.waiting(asker) >= strangersMax
    return isShareTaken || waiting() >= waitMax
  }
  return {
    isFull,
    take: (asker, job) => (isFull(asker) ? undefined : turnstile.pass(asker, () => timed(job))),
    busy: () => {
      const untilEmptyMs = ((waiting() + turnstile.running()) * jobMs) / runningMax
      const seconds = Math.min(Math.ceil(untilEmptyMs / 1000), retryAfterSecondsMax)
      return { kind: 'busy', retryAfterSeconds: seconds }
    },
  }
}
