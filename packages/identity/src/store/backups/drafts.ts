import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  closeSync,
  createReadStream,
  createWriteStream,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  rmSync,
} from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { systemErrorCode } from '@portcullis/runtime'
import { endingsBeside } from '../sqlite-file.ts'

/*
 * What is written under a name of its own, and gets the one that people know when it is whole.
 */

const ending = '.portcullis-draft'
/** A copy that takes longer is none that goes on. */
const staleMs = 86_400_000

export function draftName(): string {
  return `.${randomBytes(8).toString('hex')}${ending}`
}

/** Those that killed processes have left behind. In a folder that many share, some are not ours to remove. */
export function removeStaleDrafts(folder: string): void {
  for (const name of namesIn(folder)) {
    if (!name.startsWith('.') || !name.includes(ending)) continue
    const path = join(folder, name)
    const changedMs = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs
    if (changedMs !== undefined && changedMs < Date.now() - staleMs) removeDraft(path)
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
    return []
  }
}

/** A file with what SQLite keeps beside it, or a folder. What cannot be removed is for a later one to try. */
export function removeDraft(path: string): void {
  for (const part of ['', ...endingsBeside]) {
    try {
      rmSync(`${path}${part}`, { recursive: true, force: true })
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error
    }
  }
}

export function synchronise(path: string): void {
  const file = openSync(path, 'r+')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

interface Digest {
  readonly bytes: number
  readonly sha256: string
}

/** Of a file as it is, and hardly beyond `bytesMax`; with `copyTo` of what was written there, only for its owner. */
export async function digestOf(
  path: string,
  {
    copyTo,
    bytesMax = Infinity,
    onBytes,
  }: {
    readonly copyTo?: string
    readonly bytesMax?: number
    readonly onBytes?: (bytes: number) => void
  } = {},
): Promise<Digest> {
  const hash = createHash('sha256')
  let bytes = 0
  const passing = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      hash.update(chunk)
      bytes += chunk.length
      onBytes?.(bytes)
      yield chunk
      // It may be a device that never ends.
      if (bytes > bytesMax) return
    }
  }
  const source = createReadStream(path, { highWaterMark: 1_048_576 })
  // Otherwise the copy of what cannot be opened might be made when its failure was cleared up already.
  await once(source, 'open')
  const target =
    copyTo === undefined
      ? new Writable({ write: (_chunk, _encoding, done) => done() })
      : createWriteStream(copyTo, { flags: 'wx', mode: 0o600 })
  await pipeline(source, passing, target)
  return { bytes, sha256: hash.digest('hex') }
}
