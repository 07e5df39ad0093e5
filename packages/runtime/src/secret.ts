import { readFileSync, statSync } from 'node:fs'
import { platform } from 'node:os'
import type { Mistake } from './settings-file.ts'
import { systemErrorCode } from './start-error.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export type ReadSecret =
  | {
      readonly kind: 'text'
      readonly text: string
      /** The one that was set: `NAME` or `NAME_FILE`. */
      readonly variable: string
    }
  | { readonly kind: 'not-set' }
  | { readonly kind: 'mistaken'; readonly mistake: Mistake }

/**
 * A secret comes from the variable `NAME`, or from the file that `NAME_FILE` points to (final line
 * break cut off); never from a command line, where other users could read it.
 */
export function readSecret(environment: Environment, name: string): ReadSecret {
  const fileVariable = `${name}_FILE`
  const value = environment[name]
  const path = environment[fileVariable]
  if (value !== undefined && path !== undefined) {
    const message = `and ${fileVariable} are both set: unset one of them`
    return { kind: 'mistaken', mistake: { path: name, message } }
  }
  if (path !== undefined) return readSecretFile(path, fileVariable)
  return value === undefined ? { kind: 'not-set' } : { kind: 'text', text: value, variable: name }
}

function readSecretFile(path: string, variable: string): ReadSecret {
  try {
    const text = readFileSync(path, 'utf8').replace(/\r?\n$/, '')
    return { kind: 'text', text, variable }
  } catch (error) {
    const reason = systemErrorCode(error) ?? 'error'
    const message = `points to ${path}, which cannot be read (${reason}): create it, or correct the path or its permissions`
    return { kind: 'mistaken', mistake: { path: variable, message } }
  }
}

/** A file of a secret that its group or everybody can read. */
export interface ExposedFile {
  /** `NAME_FILE` */
  readonly variable: string
  /** Its permissions in octal, such as `0644`. */
  readonly mode: string
}

/** Whether the file that `NAME_FILE` points to can be read by others than its owner. */
export function exposedFile(environment: Environment, name: string): ExposedFile | undefined {
  const variable = `${name}_FILE`
  const path = environment[variable]
  // Windows has no such permissions, and Node makes some up.
  if (path === undefined || platform() === 'win32') return undefined
  const status = statSync(path, { throwIfNoEntry: false })
  if (status?.isFile() !== true || (status.mode & readableByOthers) === 0) return undefined
  return { variable, mode: `0${(status.mode & permissions).toString(8)}` }
}

const permissions = 0o777
const readableByOthers = 0o044
