import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import type { VerificationKey } from '@portcullis/protocol/jws'
import {
  createFileTroubles,
  faultOfFile,
  fileFaults,
  readOnlyNow,
  replaceFile,
} from '../own-file.ts'
import type { Warn } from '../warnings.ts'
import type { FetchedKeySet } from './documents.ts'
import type { DocumentFailure } from './http-json.ts'
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
  /** Since it was the issuer's, by the wall clock. */
  readonly ageMs: number
}

export interface KeySetFileOptions {
  readonly path: string
  readonly issuer: string
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly warn: Warn
}

/** A set that stays the same is dated anew this often, because its age decides whether it is used. */
const redateMs = 60_000

/**
 * Keeps the key set on disk: public keys, the issuer, and when it was asked. The file is a cache, so
 * no request fails because of it; what is wrong with it is told once.
 */
export function createKeySetFile({ path, issuer, now, warn }: KeySetFileOptions): KeySetFile {
  let written: { readonly keys: Keys; readonly atMs: number } | undefined
  let writing = Promise.resolve()
  const troubles = createFileTroubles(`key set file ${path}`, 'PORTCULLIS_KEY_SET_FILE', warn)

  async function write(keys: Keys, atMs: number): Promise<void> {
    if (written !== undefined && isSame(written.keys, keys)) {
      if (Math.abs(atMs - written.atMs) < redateMs) return
    }
    try {
      const text = JSON.stringify({ issuer, fetchedAt: atMs, keys: [...keys.values()].map(jwkOf) })
      await replaceFile(path, text)
      written = { keys, atMs }
    } catch (error) {
      troubles.unwritable(error)
    }
  }

  return {
    read: () => {
      try {
        const document = readOwn(path)
        if (typeof document === 'string') return troubles.tell(document)
        const keys = createKeySetParser()(document ?? {})
        const fetchedAt = document?.['fetchedAt']
        if (keys === undefined || typeof fetchedAt !== 'number')
          return troubles.tell(fileFaults.damaged)
        if (document?.['issuer'] !== issuer) return troubles.tell(fileFaults.ofAnotherIssuer)
        const ageMs = now() - fetchedAt
        // From the future: a clock was set back, and nobody knows how old the set is.
        return ageMs >= 0 ? { keys, ageMs } : undefined
      } catch (error) {
        return troubles.unreadable(error)
      }
    },
    keeping: (fetchKeySet) => async () => {
      const atMs = now()
      const fetched = await fetchKeySet()
      if (fetched.kind === 'key-set') {
        const { keys, ageMs = 0 } = fetched
        writing = writing.then(() => write(keys, atMs - ageMs))
      }
      return fetched
    },
  }
}

/** Or why it is not used. */
function readOwn(path: string): ReturnType<typeof parseDocument> | string {
  const file = openSync(path, readOnlyNow)
  try {
    return faultOfFile(fstatSync(file), documentBytesMax) ?? parseDocument(readFileSync(file))
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
