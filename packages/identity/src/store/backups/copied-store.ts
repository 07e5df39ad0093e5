import type { DatabaseSync } from 'node:sqlite'
import { StartError } from '@portcullis/runtime'
import { integer, text } from '../columns.ts'
import { resultCodeOf } from '../sqlite-file.ts'

/** What a backup has to tell of the store that was copied. */
export interface CopiedStore {
  readonly schemaStep: number
  readonly epoch: string
  readonly seq: number
}

/** How far long work has come. */
export interface CopyProgress {
  readonly done: number
  /** Undefined while it cannot be told. */
  readonly total?: number
  readonly unit: 'MB' | 'rows'
}

const octetsOfMegabyte = 1_000_000

export function megabytes(octets: number): number {
  return octets / octetsOfMegabyte
}

export type OnProgress = (progress: CopyProgress) => void

/** Reads it from the copy itself, so that it is of the same moment. */
export function factsOf(copy: DatabaseSync, source: string): CopiedStore {
  try {
    const step = copy.prepare('SELECT max(id) AS step FROM migrations').get() ?? {}
    const head = copy.prepare('SELECT epoch, seq FROM revocation_head').get()
    if (head === undefined) throw noStore(source)
    return {
      schemaStep: integer(step, 'step'),
      epoch: text(head, 'epoch'),
      seq: integer(head, 'seq'),
    }
  } catch (error) {
    throw isOfAnother(error) ? noStore(source, error) : error
  }
}

/** A table or a column is not there, or holds something else. */
export function isOfAnother(error: unknown): boolean {
  return resultCodeOf(error) === sqliteError || error instanceof TypeError
}

/** ERROR (sqlite.org/rescode.html) */
const sqliteError = 1

export function noStore(source: string, cause?: unknown): StartError {
  return new StartError(
    `${source} is not a store that an issuer has run on`,
    'Name the database of the issuer.',
    { cause },
  )
}
