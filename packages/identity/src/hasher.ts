import { availableParallelism } from 'node:os'
import { hash, verify } from '@node-rs/argon2'
import type { PasswordHasher } from './domain/passwords.ts'

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane; about 20 ms on a 2026 core. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** About two seconds of work for two idle cores. Whoever comes later is told so at once. */
const waitingMax = 100
const retryAfterSeconds = 2

/**
 * Hashes and checks with argon2id (RFC 9106). Checks are asked for by strangers: as many run at once as
 * there are cores, and the rest wait in a bounded queue. New hashes are rare and not queued.
 */
export function createHasher(): PasswordHasher {
  const takeTurn = createQueue(availableParallelism(), waitingMax)
  return {
    hash: (password) => hash(password, cost),
    verify: async (passwordHash, password) => {
      const turn = takeTurn(() => verify(passwordHash, password))
      if (turn === undefined) return { kind: 'busy', retryAfterSeconds }
      return { kind: (await turn) ? 'match' : 'mismatch' }
    },
  }
}

type Queue = <Result>(job: () => Promise<Result>) => Promise<Result> | undefined

/** Runs `runningMax` jobs at once and lets `waitMax` more wait; undefined when that is full. */
function createQueue(runningMax: number, waitMax: number): Queue {
  const waiting: (() => void)[] = []
  let running = 0

  async function run<Result>(job: () => Promise<Result>): Promise<Result> {
    if (running >= runningMax) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await job()
    } finally {
      // The place goes straight to the next in line, so `running` changes only when nobody waits.
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
  return (job) => (running >= runningMax && waiting.length >= waitMax ? undefined : run(job))
}
