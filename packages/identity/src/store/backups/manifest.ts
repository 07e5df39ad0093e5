import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isJsonObject } from '@portcullis/protocol'
import { checkAgainstSchema, StartError, systemErrorCode } from '@portcullis/runtime'
import type { Sealer } from '../../domain/sealing.ts'

/** What a backup says of itself, in a file beside the store. It holds no secret. */
export interface BackupManifest {
  readonly issuer: string
  /** What the store was kept in when it was copied. The copy is a file of SQLite in either case. */
  readonly engine: 'SQLite' | 'PostgreSQL'
  /** The last step of the schema. */
  readonly schemaStep: number
  /** Milliseconds since 1970, by the clock of whoever copied it. */
  readonly takenAt: number
  readonly epoch: string
  /** How far the revocation log had come. */
  readonly seq: number
  readonly bytes: number
  readonly sha256: string
  /** Shows to whoever has the sealing key that nobody else has written all this. Undefined where it was not at hand. */
  readonly seal: string | undefined
}

export const storeName = 'store.sqlite'
export const manifestName = 'manifest.json'

const format = 'portcullis-backup'
/** Raised when a program that knows only this one could misread it. */
const version = 1

const schema = {
  type: 'object',
  required: [
    'format',
    'version',
    'issuer',
    'engine',
    'schema_step',
    'taken_at',
    'epoch',
    'seq',
    'bytes',
    'sha256',
  ],
  properties: {
    format: { const: format },
    version: { type: 'integer', minimum: 1 },
    issuer: { type: 'string', pattern: '^https?://[!-~]+$' },
    engine: { enum: ['SQLite', 'PostgreSQL'] },
    schema_step: { type: 'integer', minimum: 1 },
    taken_at: { type: 'string', pattern: String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$` },
    epoch: { type: 'string', pattern: '^[A-Za-z0-9_-]{22}$' },
    seq: { type: 'integer', minimum: 0 },
    bytes: { type: 'integer', minimum: 1 },
    sha256: { type: 'string', pattern: '^[0-9a-f]{64}$' },
    seal: { type: 'string', pattern: '^[!-~]{1,200}$' },
  },
}

interface ManifestMembers {
  readonly version: number
  readonly issuer: string
  readonly engine: BackupManifest['engine']
  readonly schema_step: number
  readonly taken_at: string
  readonly epoch: string
  readonly seq: number
  readonly bytes: number
  readonly sha256: string
  readonly seal?: string
}

/** For people and programs: the members of the file. */
export function membersOf(manifest: BackupManifest): object {
  const { schemaStep, takenAt, issuer, engine, seal, ...rest } = manifest
  return {
    format,
    version,
    issuer,
    engine,
    schema_step: schemaStep,
    taken_at: new Date(takenAt).toISOString(),
    ...rest,
    ...(seal !== undefined && { seal }),
  }
}

type Sealed = Omit<BackupManifest, 'seal'>

export function sealOfManifest(manifest: Sealed, sealer: Sealer): string {
  return sealer.seal('', contextOf(manifest))
}

/** `unsealed`: anybody may have written it. */
export function checkSeal(
  manifest: BackupManifest,
  sealer: Sealer,
): 'sealed' | 'unsealed' | 'sealed-with-another-key' | 'damaged' {
  if (manifest.seal === undefined) return 'unsealed'
  const { kind } = sealer.open(manifest.seal, contextOf(manifest))
  return kind === 'opened' ? 'sealed' : kind
}

/** Nothing is encrypted, and nothing of it may be another. */
function contextOf(manifest: Sealed): string {
  const { issuer, engine, schemaStep, takenAt, epoch, seq, bytes, sha256 } = manifest
  const facts = [version, issuer, engine, schemaStep, takenAt, epoch, seq, bytes, sha256]
  return `portcullis backup manifest ${JSON.stringify(facts)}`
}

/** Does NOT look at the store itself. */
export function readManifest(folder: string): BackupManifest {
  const path = join(folder, manifestName)
  const content = jsonOf(readText(folder, path))
  refuseNewer(content, folder)
  const members = parse(content, path)
  const { schema_step: schemaStep, taken_at: takenAt, ...rest } = members
  const { issuer, engine, epoch, seq, bytes, sha256, seal } = rest
  const takenAtMs = new Date(takenAt).getTime()
  return { issuer, engine, epoch, seq, bytes, sha256, seal, schemaStep, takenAt: takenAtMs }
}

function readText(folder: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const isThere = statSync(folder, { throwIfNoEntry: false }) !== undefined
    throw new StartError(
      isThere
        ? `${folder} is no backup: its ${manifestName} cannot be read (${systemErrorCode(error) ?? 'error'})`
        : `there is no backup at ${folder}`,
      'Name the folder that `portcullis backup` has written, with all that was in it.',
      { cause: error },
    )
  }
}

/** Before anything else is looked at: its members may have other names. */
function refuseNewer(content: unknown, folder: string): void {
  const { version: found } = isJsonObject(content) ? content : {}
  if (typeof found !== 'number' || found <= version) return
  throw new StartError(
    `${folder} was written by a newer release (format ${found})`,
    'Restore it with that release or a later one; nothing was changed.',
  )
}

function parse(content: unknown, path: string): ManifestMembers {
  const checked = checkAgainstSchema<ManifestMembers>(schema, content)
  if (checked.kind === 'valid') return checked.value
  const [first] = checked.mistakes
  throw new StartError(
    `${path} does not describe a backup: ${first?.path ?? ''} ${first?.message ?? ''}`,
    'Name the folder that `portcullis backup` has written, as it was written.',
  )
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
