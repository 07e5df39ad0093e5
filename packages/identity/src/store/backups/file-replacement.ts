import { existsSync, linkSync, renameSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StartError, systemErrorCode } from '@portcullis/runtime'
import { integer, optionalText, text } from '../columns.ts'
import { flushNames } from '../flushed-names.ts'
import { endingsBeside, resultCodeOf, sqliteBusy } from '../sqlite-file.ts'
import { synchronise } from './drafts.ts'

/** Something that was decided in the store that is replaced, and that the backup does not know. */
export interface UndoneDecision {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly kind: string
  /** The id of what it is about. */
  readonly subject: string | undefined
  /** What that account or client is called in the store that is replaced. */
  readonly name: string | undefined
}

export interface Replaced {
  /** Where the store is now that was there before. */
  readonly kept: string
  /** The oldest first; undefined when it is damaged, so that nothing can be told. */
  readonly undone: readonly UndoneDecision[] | undefined
}

/** Puts a file where none may be. */
export function placeFile(copyPath: string, path: string): void {
  const left = endingsBeside.map((part) => `${path}${part}`).find((name) => existsSync(name))
  if (left !== undefined) throw leftBeside(left)
  synchronise(copyPath)
  // Unlike a rename this replaces nothing that came there meanwhile.
  if (!link(copyPath, path)) throw isThere(path)
  unlinkSync(copyPath)
  flushNames(dirname(path))
}

export function isThere(path: string): StartError {
  return new StartError(
    `there is a store at ${path} already`,
    'Add --replace to put the backup in its place; it is kept beside it. Nothing was changed.',
  )
}

/** Puts a file in the place of a store that nobody uses, and keeps that. */
export function replaceFile(
  copyPath: string,
  path: string,
  { knownUntil, now }: { readonly knownUntil: number; readonly now: number },
): Replaced {
  synchronise(copyPath)
  const kept = `${path}.replaced-${new Date(now).toISOString().replaceAll(/[-:.]/g, '')}`
  const store = lockStore(path)
  try {
    const undone = store && decisionsIn(store, knownUntil)
    // First, so that it has a name at every moment. Nobody can begin with it: it is locked.
    if (!link(path, kept)) throw new TypeError(`${kept} is there already`)
    try {
      if (store === undefined) moveBeside(path, kept)
      renameSync(copyPath, path)
    } catch (error) {
      // A store with two names is damaged by whoever opens it by the other one.
      if (store === undefined) moveBeside(kept, path)
      unlinkSync(kept)
      throw error
    }
    flushNames(dirname(path))
    return { kept, undone }
  } finally {
    store?.close()
  }
}

/** Gives a file a second name; false when that is taken. */
function link(path: string, name: string): boolean {
  try {
    linkSync(path, name)
    return true
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'EEXIST') return false
    throw new StartError(
      `${name} cannot be made (${code ?? 'error'})`,
      'Move the store that is there away yourself, or restore on a file system with hard links.',
      { cause: error },
    )
  }
}

function leftBeside(path: string): StartError {
  return new StartError(
    `${path} lies beside the place of the store, and belongs to another one`,
    'Move it away: it would be taken for a part of the store that is put back. Nothing was changed.',
  )
}

/** A `StartError` when another process has the store open. */
export function requireUnused(path: string): void {
  lockStore(path)?.close()
}

/**
 * Takes it for this process alone, all of it in the one file. In write-ahead mode each process that has it open holds a
 * lock, so that this mode cannot be left. Undefined when it is too damaged to be opened at all.
 */
function lockStore(path: string): DatabaseSync | undefined {
  const store = new DatabaseSync(path)
  try {
    store.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
    // Somebody may have come in between the two.
    if (store.prepare('PRAGMA journal_mode').get()?.['journal_mode'] === 'delete') return store
    throw inUse(path)
  } catch (error) {
    store.close()
    const code = resultCodeOf(error)
    if (code !== undefined && damaged.has(code)) return undefined
    throw code === sqliteBusy ? inUse(path) : error
  }
}

/** CORRUPT and NOTADB (sqlite.org/rescode.html) */
const damaged = new Set([11, 26])

function inUse(path: string): StartError {
  return new StartError(
    `the store ${path} is in use`,
    'Stop identity, and whatever else has it open, and restore it then. Nothing was changed.',
  )
}

/** What was not brought into a damaged file belongs to it, and not to the one that comes. */
function moveBeside(path: string, kept: string): void {
  for (const part of endingsBeside) {
    if (existsSync(`${path}${part}`)) renameSync(`${path}${part}`, `${kept}${part}`)
  }
}

/** What somebody wanted to hold from then on. What belongs to every day is left out. */
const decisions = `
  kind LIKE 'account-%' OR kind LIKE 'client-%' OR kind LIKE 'stream-%' OR kind IN (
    'password-changed', 'password-reset', 'reset-forced', 'roles-changed', 'attributes-changed',
    'email-changed', 'key-withdrawn')`

/** What was deleted is called nothing but by its id, in a store of whatever release. */
const nameOfSubject = `
  CASE WHEN kid IS NOT NULL THEN NULL
       WHEN client_id IS NOT NULL
       THEN (SELECT nullif(name, 'deleted ' || id) FROM clients WHERE id = events.client_id)
       ELSE (SELECT nullif(identifier, 'deleted ' || id) FROM accounts WHERE id = events.account_id)
  END`

function decisionsIn(store: DatabaseSync, since: number): readonly UndoneDecision[] | undefined {
  try {
    return store
      .prepare(
        `SELECT at, kind, coalesce(kid, client_id, account_id) AS subject, ${nameOfSubject} AS name FROM events
         WHERE at > ? AND (${decisions}) ORDER BY id`,
      )
      .all(since)
      .map((row) => ({
        at: integer(row, 'at'),
        kind: text(row, 'kind'),
        subject: optionalText(row, 'subject'),
        name: optionalText(row, 'name'),
      }))
  } catch (error) {
    if (resultCodeOf(error) === undefined) throw error
    return undefined
  }
}
