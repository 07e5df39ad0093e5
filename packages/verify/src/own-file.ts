import { randomUUID } from 'node:crypto'
import type { Stats } from 'node:fs'
import { constants } from 'node:fs'
import { readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import process from 'node:process'
import type { VerifierWarning, Warn } from './warnings.ts'

/** A pipe would keep the service waiting for somebody who writes. All is asked of what was opened. */
export const readOnlyNow: number = constants.O_RDONLY | constants.O_NONBLOCK

/**
 * Why it is not read; undefined where it may be. Who may write a file may change what is believed, so one that others
 * may write is none of ours.
 */
export function faultOfFile(stats: Stats, bytesMax: number): string | undefined {
  if (!stats.isFile()) return fileFaults.noFile
  // Windows has neither of them.
  const ownUid = process.getuid?.()
  if (ownUid !== undefined && stats.uid !== ownUid) return fileFaults.ofAnotherUser
  if (ownUid !== undefined && (stats.mode & 0o022) !== 0) return fileFaults.writable
  return stats.size <= bytesMax ? undefined : fileFaults.tooLong
}

/** A reader finds the old file or the new one, and nothing in between; with `flush` also after a power cut. */
export async function replaceFile(
  path: string,
  content: string | AsyncIterable<Uint8Array>,
  { flush = false }: { readonly flush?: boolean } = {},
): Promise<void> {
  const draft = `${path}.${randomUUID()}`
  try {
    await writeFile(draft, content, { mode: 0o600, flag: 'wx', flush })
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined)
    throw error
  }
}

/** How warnings about such a file go on behind its name. */
export const fileFaults = {
  noFile: 'is not used: it is no file',
  ofAnotherUser: 'is not used: another user owns it',
  writable: 'is not used: others than its owner may write it',
  tooLong: 'is not used: it is too long',
  damaged: 'is not used: it is damaged',
  ofAnotherVersion: 'is not used: it is of another version',
  ofAnotherIssuer: 'is not used: it is of another issuer',
} as const

const draftAgeMsMax = 600_000

/** A process that was killed while it wrote has left its draft, which may be long. */
export async function removeOldDrafts(path: string, nowMs: number): Promise<void> {
  const folder = dirname(path)
  const start = `${basename(path)}.`
  for (const name of await readdir(folder)) {
    if (!name.startsWith(start) || !/^[0-9a-f-]{36}$/.test(name.slice(start.length))) continue
    const draft = join(folder, name)
    if (nowMs - (await stat(draft)).mtimeMs > draftAgeMsMax) await rm(draft, { force: true })
  }
}

/** What is wrong with such a file fails no request; an operator is told. */
export interface FileTroubles {
  /** `what` goes on behind the name of the file. */
  readonly tell: (what: string) => undefined
  /** That there is none is no trouble. */
  readonly unreadable: (error: unknown) => undefined
  /** Told once, for it is tried again and again. */
  readonly unwritable: (error: unknown) => void
}

export function createFileTroubles(
  name: string,
  code: VerifierWarning['code'],
  warn: Warn,
): FileTroubles {
  let isUnwritable = false

  function tell(what: string): undefined {
    warn({ code, message: `the ${name} ${what}` })
  }

  return {
    tell,
    unreadable: (error) => {
      const why = errorCode(error)
      return why === 'ENOENT' ? undefined : tell(`cannot be read: ${why}`)
    },
    unwritable: (error) => {
      if (!isUnwritable) tell(`cannot be written: ${errorCode(error)}`)
      isUnwritable = true
    },
  }
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
}
