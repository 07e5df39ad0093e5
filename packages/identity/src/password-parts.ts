import { randomBytes } from 'node:crypto'
import type { Log } from '@portcullis/runtime'
import type { BreachedPasswordsOptions } from './breached-passwords.ts'
import { createBreachedPasswords } from './breached-passwords.ts'
import type { PasswordRules } from './domain/password-rules.ts'
import type { PasswordHasher } from './domain/passwords.ts'
import { normalisePassword } from './domain/passwords.ts'
import { randomSecret } from './domain/random.ts'
import type { HashCost } from './hash-cost.ts'
import { defaultHashCost, requireHashCost } from './hash-cost.ts'
import { createHasher, hashPassword } from './hasher.ts'
import { yieldToEventLoop } from './hash-threads.ts'
import type { PasswordRulesOptions } from './password-rules.ts'
import { createPasswordRules } from './password-rules.ts'

export interface PasswordOptions extends Pick<PasswordRulesOptions, 'contextWords' | 'wordFile'> {
  /** What a new hash costs; default 19 MiB, two passes, one lane. */
  readonly hashCost?: HashCost
  /** How many hashes run at once, below UV_THREADPOOL_SIZE; default: the cores, and 3 at most. */
  readonly hashesRunningMax?: number
  /** How many more may wait, half of them strangers, before people are told to come back; default 100. */
  readonly hashesWaitingMax?: number
  /** Asks a service about each new password, over the network; default: nobody is asked. */
  readonly breached?: Pick<BreachedPasswordsOptions, 'baseUrl' | 'timeoutMs'>
}

export interface PasswordParts {
  readonly passwords: PasswordHasher
  readonly passwordRules: PasswordRules
  readonly unmatchablePasswordHash: string
}

/** Everything between a password that was typed and a hash that is stored. */
export async function createPasswordParts(
  issuer: string,
  {
    hashCost = defaultHashCost,
    hashesRunningMax,
    hashesWaitingMax,
    breached,
    ...ruleOptions
  }: PasswordOptions,
  log: Log,
): Promise<PasswordParts> {
  const cost = requireHashCost(hashCost)
  const isBreached =
    breached === undefined ? {} : { isBreached: createBreachedPasswords({ ...breached, log }) }
  const unmatchable = normalisePassword(randomSecret(randomBytes))
  const unmatchablePasswordHash = await hashPassword(unmatchable, cost)
  yieldToEventLoop()
  return {
    passwords: createHasher({ cost, runningMax: hashesRunningMax, waitingMax: hashesWaitingMax }),
    passwordRules: createPasswordRules({ ...ruleOptions, ...isBreached, issuer }),
    unmatchablePasswordHash,
  }
}
