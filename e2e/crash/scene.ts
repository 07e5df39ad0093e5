import { randomBytes } from 'node:crypto'
import type { Chance } from './chance.ts'
import type { Answered, Call, Door } from './door.ts'
import type { Doubt, HeldSession, Ledger, Person, RotationDoubt } from './ledger.ts'

/** What everybody who acts needs: the way to identity, the ledger, and the choices of this run. */
export interface Scene {
  readonly issuer: string
  readonly door: Door
  readonly ledger: Ledger
  readonly chance: Chance
}

/**
 * Writes down what a call may do, sends it, and takes the doubt back once it is answered. Undefined
 * when it was not: then the doubt stays until the store has been looked at.
 */
export async function ask(
  { door, ledger }: Scene,
  person: Person,
  doubt: Doubt,
  call: Call,
): Promise<Answered | undefined> {
  person.doubts.add(doubt)
  const answer = await door.call(call)
  const tally = answer.kind === 'answered' ? ledger.answered : ledger.unanswered
  tally.set(call.name, (tally.get(call.name) ?? 0) + 1)
  if (answer.kind === 'unanswered') return undefined
  person.doubts.delete(doubt)
  return answer
}

/** What a refresh with the newest token of a session may do. */
export function rotationOf(session: HeldSession, attempt?: string): RotationDoubt {
  const { refresh: presented, counter } = session
  return { kind: 'rotation', session, presented, counter, attempt }
}

/** RFC 6749 section 6, with our `attempt`; for a token that identity's own routes take. */
export function refreshCall(
  issuer: string,
  { presented, attempt }: Pick<RotationDoubt, 'presented' | 'attempt'>,
): Call {
  const form = { grant_type: 'refresh_token', refresh_token: presented, audience: issuer }
  return {
    name: 'refresh',
    method: 'POST',
    path: '/token',
    form: attempt === undefined ? form : { ...form, attempt },
  }
}

export function loginCall(
  issuer: string,
  { identifier, password }: Pick<Person, 'identifier' | 'password'>,
): Call {
  const json = { identifier, password, audience: issuer }
  return { name: 'login', method: 'POST', path: '/login', json }
}

export function newAttempt(): string {
  return randomBytes(16).toString('base64url')
}

export function isInvalidGrant({ status, members }: Answered): boolean {
  return status === 400 && members['error'] === 'invalid_grant'
}
