import { sharedSecretAlgorithm } from '@portcullis/protocol/jws'
import type { Environment } from '@portcullis/runtime'
import { joinStartErrors, readSettingsFile, settingsError, StartError } from '@portcullis/runtime'
import type { Registry } from './domain/registry.ts'
import type { DescribedSecrets, DescribedSettings } from './settings/described.ts'
import { describeSecrets, describeSettings, describeValues } from './settings/described.ts'
import type { Resolved } from './settings/in-force.ts'
import { resolveSettings } from './settings/in-force.ts'
import type { IdentitySecrets } from './settings/secrets.ts'
import { checkSecrets, secretsError } from './settings/secrets.ts'
import { namesAlgorithm } from './settings/structure-mistakes.ts'
import { registryOf } from './settings/structure.ts'
import type { IdentityValues } from './settings/table.ts'
import { hashesRunningMaxOf } from './settings/thread-pool.ts'
import { exposedSettingFiles, readVariables } from './settings/variables.ts'

/** Every setting of the table, nested as in the file, and the registry that its structure makes. */
export type IdentitySettings = IdentityValues & {
  readonly registry: Registry
  /** The values for people: where each came from, and without any password. */
  readonly described: DescribedSettings
}

/** Where the settings of a process come from. */
export interface SettingsSources {
  /** Path of `portcullis.identity.json`. */
  readonly file: string
  readonly environment: Environment
  /** What the command line says, and which wins over both. */
  readonly database?: string | undefined
}

/**
 * Reads settings and secrets: the environment wins over the file. All mistakes of both are reported in
 * one `StartError`, each with its variable or its JSON pointer.
 */
export function readIdentitySettings(sources: SettingsSources): {
  readonly settings: IdentitySettings
  readonly secrets: IdentitySecrets
} {
  const { file, resolved, errors } = readSources(sources)
  const forHs256 = namesAlgorithm(file, sharedSecretAlgorithm)
  const checked = checkSecrets(sources.environment, { forHs256 })
  if (checked.kind === 'mistaken')
    throw joinStartErrors([...errors, secretsError(checked.mistakes)])
  if (errors.length > 0) throw joinStartErrors(errors)
  const { exposedFiles = [], ...secrets } = checked.secrets
  return {
    settings: settingsOf(resolved, file, sources.environment),
    secrets: {
      ...secrets,
      exposedFiles: [...exposedFiles, ...exposedSettingFiles(sources.environment)],
    },
  }
}

/**
 * What `readIdentitySettings` would read, for people: each value and where it came from. No password is
 * shown, and of the secrets only whether they are set. Does NOT look at the secrets themselves.
 */
export function describeIdentitySettings(sources: SettingsSources): {
  readonly settings: DescribedSettings
  readonly secrets: DescribedSecrets
} {
  const { file, resolved, errors } = readSources(sources)
  if (errors.length > 0) throw joinStartErrors(errors)
  return {
    settings: describeSettings(resolved.inForce, file),
    secrets: describeSecrets(sources.environment),
  }
}

/** Checks the content of a settings file, without any environment; `source` names it in the error. */
export function parseIdentitySettings(value: unknown, source: string): IdentitySettings {
  const resolved = resolveSettings(value, new Map())
  if (resolved.fileMistakes.length > 0) throw settingsError(source, resolved.fileMistakes)
  return settingsOf(resolved, value, {})
}

interface ReadSources {
  readonly file: unknown
  readonly resolved: Resolved
  /** One for each source that has mistakes. */
  readonly errors: readonly StartError[]
}

function readSources({ file: path, environment, database }: SettingsSources): ReadSources {
  const variables = readVariables(environment)
  const texts = new Map(variables.texts)
  if (database !== undefined) {
    texts.set('database', { text: database, from: 'command line', where: '--database' })
  }
  const read = readFile(path)
  const file = read.kind === 'file' ? read.content : undefined
  const resolved = resolveSettings(file, texts, environment)
  const elsewhere = [...variables.mistakes, ...resolved.otherMistakes]
  const errors = [
    ...(read.kind === 'unreadable' ? [read.error] : fileErrors(path, resolved)),
    ...(elsewhere.length > 0
      ? [settingsError('the environment', elsewhere, 'Correct what the environment says.')]
      : []),
  ]
  return { file, resolved, errors }
}

function fileErrors(path: string, { fileMistakes }: Resolved): readonly StartError[] {
  return fileMistakes.length > 0 ? [settingsError(path, fileMistakes)] : []
}

type ReadFile =
  | { readonly kind: 'file'; readonly content: unknown }
  | { readonly kind: 'unreadable'; readonly error: StartError }

/** A file that cannot be read keeps nobody from hearing what else is wrong. */
function readFile(path: string): ReadFile {
  try {
    return { kind: 'file', content: readSettingsFile(path) }
  } catch (error) {
    if (error instanceof StartError) return { kind: 'unreadable', error }
    throw error
  }
}

function settingsOf(
  { values, inForce }: Resolved,
  file: unknown,
  environment: Environment,
): IdentitySettings {
  const { hashesRunningMax = hashesRunningMaxOf(environment) } = values.passwords
  const passwords = { ...values.passwords, hashesRunningMax }
  const described = describeValues(inForce)
  return { ...values, passwords, registry: registryOf(values.issuer, file), described }
}
