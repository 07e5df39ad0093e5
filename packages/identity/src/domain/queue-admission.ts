import type { Attempt } from './login-attempts.ts'
import type { Admission, LoginProtection } from './login-protection.ts'
import type { PasswordHasher } from './passwords.ts'

export interface QueueParts {
  readonly protection: LoginProtection
  readonly passwords: PasswordHasher
}

/**
 * The way to the queue of hashes for everybody who has not shown yet who he is: at login, at registration and with
 * a link from a mail. Whoever finds it full costs no writes.
 */
export async function admitToQueue(
  { protection, passwords }: QueueParts,
  attempt: Attempt,
): Promise<Admission> {
  return passwords.whenFull('known') ?? protection.admit(attempt, passwords.whenFull('strangers'))
}
