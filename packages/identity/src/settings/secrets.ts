import type { Environment, Mistake, StartError } from '@portcullis/runtime'
import { readSecret, settingsError } from '@portcullis/runtime'
import type { RefreshPeppers } from '../domain/refresh-tokens.ts'
import { createPepper } from '../domain/refresh-tokens.ts'
import { parseSecretKey } from '../domain/secret-key.ts'

export interface IdentitySecrets {
  readonly sealingKey: Buffer
  readonly peppers: RefreshPeppers
}

/** A secret key that comes from the environment, or from the file that `<variable>_FILE` names. */
export interface SecretVariable {
  readonly variable: string
  readonly isRequired: boolean
}

const sealingKey: SecretVariable = { variable: 'PORTCULLIS_SEALING_KEY', isRequired: true }
const pepper: SecretVariable = { variable: 'PORTCULLIS_REFRESH_PEPPER', isRequired: true }
/** Accepted as well while the pepper is rolled. */
const previousPepper: SecretVariable = {
  variable: 'PORTCULLIS_REFRESH_PEPPER_PREVIOUS',
  isRequired: false,
}

export const secretVariables: readonly SecretVariable[] = [sealingKey, pepper, previousPepper]

/** Reads the secrets of identity. There are no defaults. All mistakes are in one `StartError`. */
export function readSecrets(environment: Environment): IdentitySecrets {
  const checked = checkSecrets(environment)
  if (checked.kind === 'secrets') return checked.secrets
  throw secretsError(checked.mistakes)
}

export function secretsError(mistakes: readonly Mistake[]): StartError {
  return settingsError(
    'the secrets',
    mistakes,
    'Set each to 32 random bytes in base64, for example from: openssl rand -base64 32; ' +
      'or set …_FILE to a file with them that only this user can read.',
  )
}

export type CheckedSecrets =
  | { readonly kind: 'secrets'; readonly secrets: IdentitySecrets }
  | { readonly kind: 'mistaken'; readonly mistakes: readonly Mistake[] }

export function checkSecrets(environment: Environment): CheckedSecrets {
  const sealing = readKey(environment, sealingKey)
  const present = readKey(environment, pepper)
  const older = readKey(environment, previousPepper)
  const mistakes = [sealing, present, older].flatMap((read) =>
    read.kind === 'mistaken' ? [read.mistake] : [],
  )
  if (sealing.kind !== 'key' || present.kind !== 'key' || mistakes.length > 0) {
    return { kind: 'mistaken', mistakes }
  }
  if (present.key.equals(sealing.key)) {
    const message = `must not be ${sealingKey.variable}: either would be enough for everything`
    return { kind: 'mistaken', mistakes: [{ path: pepper.variable, message }] }
  }
  const previous = older.kind === 'key' ? [createPepper(older.key)] : []
  const peppers: RefreshPeppers = [createPepper(present.key), ...previous]
  return { kind: 'secrets', secrets: { sealingKey: sealing.key, peppers } }
}

type ReadKey =
  | { readonly kind: 'key'; readonly key: Buffer }
  | { readonly kind: 'not-set' }
  | { readonly kind: 'mistaken'; readonly mistake: Mistake }

function readKey(environment: Environment, { variable, isRequired }: SecretVariable): ReadKey {
  const read = readSecret(environment, variable)
  if (read.kind === 'mistaken') return read
  if (read.kind === 'not-set') {
    return isRequired
      ? { kind: 'mistaken', mistake: { path: variable, message: 'is not set' } }
      : read
  }
  const parsed = parseSecretKey(read.text)
  return parsed.kind === 'malformed'
    ? { kind: 'mistaken', mistake: { path: read.variable, message: parsed.why } }
    : { kind: 'key', key: parsed.key }
}
