import { randomBytes } from 'node:crypto'
import type { Log } from '@portcullis/runtime'
import { createBreachedPasswords } from './passwords/breached-passwords.ts'
import type { PasswordRules } from './domain/password-rules.ts'
import type { PasswordHasher } from './domain/passwords.ts'
import { normalisePassword } from './domain/passwords.ts'
import { randomSecret } from './domain/random.ts'
import { createHasher, hashPassword } from './passwords/hasher.ts'
import { yieldToEventLoop } from './passwords/hash-threads.ts'
import { createPasswordRules } from './passwords/password-rules.ts'
import type { IdentitySettings } from './settings.ts'

export interface PasswordParts {
  readonly passwords: PasswordHasher
  readonly passwordRules: PasswordRules
  readonly unmatchablePasswordHash: string
}

/** Everything between a password that was typed and a hash that is stored. */
export async function createPasswordParts(
  { issuer, passwords }: Pick<IdentitySettings, 'issuer' | 'passwords'>,
  log: Log,
): Promise<PasswordParts> {
  const { hashCost: cost, hashesRunningMax, hashesWaitingMax, contextWords, wordFile } = passwords
  const { baseUrl, timeoutMs } = passwords.breached
  const isBreached =
    baseUrl === undefined ? undefined : createBreachedPasswords({ baseUrl, timeoutMs, log })
  const unmatchable = normalisePassword(randomSecret(randomBytes))
  const unmatchablePasswordHash = await hashPassword(unmatchable, cost)
  yieldToEventLoop()
  return {
    passwords: createHasher({ cost, runningMax: hashesRunningMax, waitingMax: hashesWaitingMax }),
    passwordRules: createPasswordRules({ issuer, contextWords, wordFile, isBreached }),
    unmatchablePasswordHash,
  }
}
