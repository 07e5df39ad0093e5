import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { parseJsonObject } from '@portcullis/protocol'
import type { Checkpoint } from '@portcullis/protocol/revocations'
import { parseCheckpoint } from '@portcullis/protocol/revocations'
import {
  createFileTroubles,
  faultOfFile,
  fileFaults,
  readOnlyNow,
  removeOldDrafts,
  replaceFile,
} from '../own-file.ts'
import type { Timers } from '../timers.ts'
import type { Warn } from '../warnings.ts'

/** What a follower knows of the log, from one life of the process to the next. */
export interface KeptState {
  readonly checkpoint: Checkpoint
  /** As on the wire, without their place in the log. */
  readonly records: Buffer
}

export interface StateFile {
  /** Undefined when there is none, or none that may be used. Never rejects. */
  readonly read: () => Promise<KeptState | undefined>
  /** Replaces it as a whole, and answers how long it is. Never rejects. */
  readonly write: (checkpoint: Checkpoint, records: Iterable<Buffer>) => Promise<number>
}

export interface StateFileOptions {
  readonly path: string
  readonly issuer: string
  /** Milliseconds since 1970. */
  readonly wall: () => number
  readonly timers: Pick<Timers, 'yieldTurn'>
  readonly warn: Warn
}

const version = 1
/** Twice the longest snapshot: what is held may be more than what was ever sent at once. */
const stateBytesMax = 128 * 1024 * 1024
const digestBytes = 32
/** About two milliseconds of work. */
const sliceBytes = 1024 * 1024
const lineFeed = 0x0a

/**
 * One line of JSON, the records, and SHA-256 over both, which is against accidents: who may write the file owns
 * the service anyway. What is wrong with it fails no request and is told once.
 */
export function createStateFile(options: StateFileOptions): StateFile {
  const { path, issuer, wall, timers, warn } = options
  const troubles = createFileTroubles(`state file ${path}`, 'PORTCULLIS_STATE_FILE', warn)

  return {
    read: async () => {
      try {
        const bytes = await readOwn(path)
        const state = typeof bytes === 'string' ? bytes : await parseState(bytes, timers)
        if (typeof state === 'string') return troubles.tell(state)
        return state.checkpoint.iss === issuer ? state : troubles.tell(fileFaults.ofAnotherIssuer)
      } catch (error) {
        return troubles.unreadable(error)
      }
    },
    write: async (checkpoint, records) => {
      let bytes = 0
      async function* parts(): AsyncGenerator<Buffer> {
        const hash = createHash('sha256')
        for (const part of contentOf(checkpoint, records)) {
          hash.update(part)
          bytes += part.length
          yield part
        }
        yield hash.digest()
      }
      try {
        await removeOldDrafts(path, wall()).catch(() => undefined)
        await replaceFile(path, parts(), { flush: true })
      } catch (error) {
        troubles.unwritable(error)
      }
      return bytes
    },
  }
}

function* contentOf(checkpoint: Checkpoint, records: Iterable<Buffer>): Generator<Buffer> {
  yield Buffer.from(`${JSON.stringify({ version, ...checkpoint })}\n`)
  yield* records
}

/** Or why it is not used. */
async function readOwn(path: string): Promise<Buffer | string> {
  const file = await open(path, readOnlyNow)
  try {
    return faultOfFile(await file.stat(), stateBytesMax) ?? (await file.readFile())
  } finally {
    await file.close()
  }
}

/** Or why it is not used: this version has not written it as it is. */
async function parseState(
  bytes: Buffer,
  { yieldTurn }: StateFileOptions['timers'],
): Promise<KeptState | string> {
  const content = bytes.subarray(0, -digestBytes)
  const hash = createHash('sha256')
  for (let at = 0; at < content.length; at += sliceBytes) {
    hash.update(content.subarray(at, at + sliceBytes))
    await new Promise<void>(yieldTurn)
  }
  if (!hash.digest().equals(bytes.subarray(content.length))) return fileFaults.damaged
  const end = content.indexOf(lineFeed)
  const header = parseJsonObject(content.toString('utf8', 0, end), { depthMax: 2 })
  if (header.kind !== 'object') return fileFaults.damaged
  if (header.value['version'] !== version) return fileFaults.ofAnotherVersion
  const checkpoint = parseCheckpoint(header.value)
  if (checkpoint === undefined) return fileFaults.damaged
  return { checkpoint, records: content.subarray(end + 1) }
}
