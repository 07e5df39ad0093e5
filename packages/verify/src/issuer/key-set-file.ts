import { randomUUID } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import process from 'node:process'
import type { VerificationKey } from '@portcullis/protocol/jws'
import type { DocumentFailure, FetchedKeySet } from './documents.ts'
import { documentBytesMax, parseDocument } from './http-json.ts'
import { createKeySetParser, isSameKey } from './key-set.ts'

type Keys = ReadonlyMap<string, VerificationKey>
type FetchKeySet = () => Promise<FetchedKeySet | DocumentFailure>

/** The last good key set, for a service that starts while its issuer is down. */
export interface KeySetFile {
  /** Undefined when there is none, or none that may be used. */
  readonly read: () => KeptKeySet | undefined
  /** The same fetch, and what it brings is kept. */
  readonly keeping: (fetchKeySet: FetchKeySet) => FetchKeySet
}

export interface KeptKeySet {
  readonly keys: Keys
  /** Since the issuer was asked for it, by the wall clock. */
  readonly ageMs: number
}

export interface KeySetFileOptions {
  readonly path: string
  readonly issuer: string
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** A set that stays the same is dated anew this often, because its age decides whether it is used. */
const redateMs = 60_000

/**
 * Keeps the key set on disk: public keys, the issuer, and when it was asked. The file is a cache, so
 * no request fails because of it; what is wrong with it is told once as a process warning.
 */
export function createKeySetFile({ path, issuer, now }: KeySetFileOptions): KeySetFile {
  let written: { readonly keys: Keys; readonly atMs: number } | undefined
  let writing = Promise.resolve()
  let hasWarned = false

  function warn(what: string): undefined {
    process.emitWarning(`the key set file ${path} ${what}`, { code: 'PORTCULLIS_KEY_SET_FILE' })
  }

  async function write(keys: Keys, atMs: number): Promise<void> {
    if (written !== undefined && isSame(written.keys, keys)) {
      if (Math.abs(atMs - written.atMs) < redateMs) return
    }
    const temporary = `${path}.${randomUUID()}`
    try {
      const text = JSON.stringify({ issuer, fetchedAt: atMs, keys: [...keys.values()].map(jwkOf) })
      await writeFile(temporary, text, { mode: 0o600, flag: 'wx' })
      // A reader finds the old file or the new one, and nothing in between.
      await rename(temporary, path)
      written = { keys, atMs }
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined)
      if (!hasWarned) warn(`cannot be written: ${codeOf(error)}`)
      hasWarned = true
    }
  }

  return {
    read: () => {
      try {
        const document = readOwn(path)
        const keys = createKeySetParser()(document ?? {})
        const fetchedAt = document?.['fetchedAt']
        if (keys === undefined || typeof fetchedAt !== 'number') {
          return warn('is not used: it is no file, or damaged, or others may write it')
        }
        if (document?.['issuer'] !== issuer) return warn('is not used: it is of another issuer')
        const ageMs = now() - fetchedAt
        // From the future: a clock was set back, and nobody knows how old the set is.
        return ageMs >= 0 ? { keys, ageMs } : undefined
      } catch (error) {
        return codeOf(error) === 'ENOENT' ? undefined : warn(`cannot be read: ${codeOf(error)}`)
      }
    },
    keeping: (fetchKeySet) => async () => {
      const atMs = now()
      const fetched = await fetchKeySet()
      if (fetched.kind === 'key-set') writing = writing.then(() => write(fetched.keys, atMs))
      return fetched
    },
  }
}

/** Who may write the file may add a key, so one that others may write is none of ours. */
function readOwn(path: string): ReturnType<typeof parseDocument> {
  // A pipe would keep the service waiting for somebody who writes. All is asked of what was opened.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = fstatSync(file)
    // Windows has neither of them.
    const ownUid = process.getuid?.()
    const isOwn = ownUid === undefined || (stats.uid === ownUid && (stats.mode & 0o022) === 0)
    const isRead = stats.isFile() && isOwn && stats.size <= documentBytesMax
    return isRead ? parseDocument(readFileSync(file)) : undefined
  } finally {
    closeSync(file)
  }
}

function jwkOf({ kid, algorithm, publicKey }: VerificationKey): object {
  return { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm.name }
}

function isSame(some: Keys, others: Keys): boolean {
  if (some.size !== others.size) return false
  return [...some].every(([kid, key]) => {
    const other = others.get(kid)
    return other !== undefined && isSameKey(key, other)
  })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
}
