import type { Environment, ExposedFile, Mistake, StartError } from '@portcullis/runtime'
import { exposedFile, readSecret, settingsError } from '@portcullis/runtime'
import type { RefreshPeppers } from '../domain/refresh-tokens.ts'
import { createPepper } from '../domain/refresh-tokens.ts'
import type { SharedSecrets } from '../domain/shared-secrets.ts'
import { createSharedSecret } from '../domain/shared-secrets.ts'
import { parseSecretKey } from '../domain/secret-key.ts'

export interface IdentitySecrets {
  readonly sealingKey: Buffer
  /** Opens what is still sealed with it, or by a node that has the next one already. */
  readonly previousSealingKey?: Buffer | undefined
  readonly peppers: RefreshPeppers
  /** Files of secrets that others than their owner can read. */
  readonly exposedFiles?: readonly ExposedFile[] | undefined
  /** Needed where an audience asks for HS256. */
  readonly sharedSecrets?: SharedSecrets
}

/** A secret key that comes from the environment, or from the file that `<variable>_FILE` names. */
export interface SecretVariable {
  readonly variable: string
  readonly isRequired: boolean
  /** What it is for. */
  readonly meaning: string
}

const sealingKey: SecretVariable = {
  variable: 'PORTCULLIS_SEALING_KEY',
  isRequired: true,
  meaning: 'opens what the database keeps sealed, above all the private signing keys',
}
/** Accepted as well while the sealing key is rolled. */
const previousSealingKey: SecretVariable = {
  variable: 'PORTCULLIS_SEALING_KEY_PREVIOUS',
  isRequired: false,
  meaning: 'accepted as well while the sealing key is rolled',
}
const pepper: SecretVariable = {
  variable: 'PORTCULLIS_REFRESH_PEPPER',
  isRequired: true,
  meaning:
    'refresh tokens are derived from it, so that nobody finds them in a copy of the database',
}
/** Accepted as well while the pepper is rolled. */
const previousPepper: SecretVariable = {
  variable: 'PORTCULLIS_REFRESH_PEPPER_PREVIOUS',
  isRequired: false,
  meaning: 'accepted as well while the pepper is rolled',
}

/** What HS256 signs with: required where an audience asks for it, and not looked at elsewhere. */
const shared: SecretVariable = {
  variable: 'PORTCULLIS_HS256_SECRET',
  isRequired: true,
  meaning: 'signs tokens where an audience asks for HS256; that service has it too',
}
/** Accepted as well while it is rolled. */
const formerShared: SecretVariable = {
  variable: 'PORTCULLIS_HS256_SECRET_PREVIOUS',
  isRequired: false,
  meaning: 'accepted as well while that secret is rolled',
}

export const secretVariables: readonly SecretVariable[] = [
  sealingKey,
  previousSealingKey,
  pepper,
  previousPepper,
  shared,
  formerShared,
]

/** Of which of them a process has been given, whatever it came from. */
export function variablesOf(secrets: IdentitySecrets): ReadonlySet<string> {
  const { previousSealingKey: previousKey, peppers, sharedSecrets = [] } = secrets
  const given = [
    sealingKey,
    ...(previousKey === undefined ? [] : [previousSealingKey]),
    ...[pepper, previousPepper].slice(0, peppers.length),
    ...[shared, formerShared].slice(0, sharedSecrets.length),
  ]
  return new Set(given.map(({ variable }) => variable))
}

const ofHs256: ReadonlySet<SecretVariable> = new Set([shared, formerShared])

/** Reads the secrets of identity. There are no defaults. All mistakes are in one `StartError`. */
export function readSecrets(environment: Environment, wanted: WantedSecrets = {}): IdentitySecrets {
  const checked = checkSecrets(environment, wanted)
  if (checked.kind === 'secrets') return checked.secrets
  throw secretsError(checked.mistakes)
}

/** Of commands that serve nobody: undefined when the environment has no sealing key. */
export function readSealingKeys(
  environment: Environment,
): Pick<IdentitySecrets, 'sealingKey' | 'previousSealingKey'> | undefined {
  const read = [{ ...sealingKey, isRequired: false }, previousSealingKey].map((secret) =>
    readKey(environment, secret),
  )
  const mistakes = read.flatMap((one) => (one.kind === 'mistaken' ? [one.mistake] : []))
  if (mistakes.length > 0) throw secretsError(mistakes)
  const [present, previous] = read.map(keyOf)
  return present && { sealingKey: present, previousSealingKey: previous }
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

export interface WantedSecrets {
  /** Whether an audience asks for HS256. */
  readonly forHs256?: boolean
}

export function checkSecrets(
  environment: Environment,
  { forHs256 = false }: WantedSecrets = {},
): CheckedSecrets {
  const read = secretVariables.map((secret) =>
    forHs256 || !ofHs256.has(secret) ? readKey(environment, secret) : notSet,
  )
  const mistakes = read.flatMap((one) => (one.kind === 'mistaken' ? [one.mistake] : []))
  const [sealing, previousSealing, present, previous, presentShared, previousShared] =
    read.map(keyOf)
  if (sealing === undefined || present === undefined || mistakes.length > 0) {
    return { kind: 'mistaken', mistakes }
  }
  const twins = twinsAmong(read)
  if (twins.length > 0) return { kind: 'mistaken', mistakes: twins }
  const older = previous === undefined ? [] : [createPepper(previous)]
  const peppers: RefreshPeppers = [createPepper(present), ...older]
  const exposedFiles = read.flatMap((one) =>
    one.kind === 'key' && one.exposed !== undefined ? [one.exposed] : [],
  )
  const secrets = {
    sealingKey: sealing,
    previousSealingKey: previousSealing,
    peppers,
    exposedFiles,
  }
  if (presentShared === undefined) return { kind: 'secrets', secrets }
  const accepted = previousShared === undefined ? [] : [createSharedSecret(previousShared)]
  const sharedSecrets: SharedSecrets = [createSharedSecret(presentShared), ...accepted]
  return { kind: 'secrets', secrets: { ...secrets, sharedSecrets } }
}

/** Secrets that are one and the same, which no two of them may be. */
function twinsAmong(read: readonly ReadKey[]): readonly Mistake[] {
  return secretVariables.flatMap(({ variable }, at) => {
    const key = keyOf(read[at])
    const twin = secretVariables.findIndex(
      (_, other) => other < at && key !== undefined && keyOf(read[other])?.equals(key),
    )
    const { variable: other } = secretVariables[twin] ?? {}
    if (other === undefined) return []
    return [{ path: variable, message: `must not be ${other}: ${whyNot(variable, other)}` }]
  })
}

function whyNot(variable: string, other: string): string {
  if (variable.startsWith(other)) return 'it is the one that was there before, or the next one'
  return variable.startsWith(shared.variable)
    ? 'the service knows this one'
    : 'either would be enough for everything'
}

function keyOf(read: ReadKey | undefined): Buffer | undefined {
  return read?.kind === 'key' ? read.key : undefined
}

const notSet: ReadKey = { kind: 'not-set' }

type ReadKey =
  | { readonly kind: 'key'; readonly key: Buffer; readonly exposed: ExposedFile | undefined }
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
    : { kind: 'key', key: parsed.key, exposed: exposedFile(environment, variable) }
}
