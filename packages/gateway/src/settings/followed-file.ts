import { readFile } from 'node:fs/promises'
import type { Log, Repeat } from '@portcullis/runtime'
import {
  parseSettingsText,
  StartError,
  systemErrorCode,
  takeSteadySteps,
} from '@portcullis/runtime'
import { parseGatewaySettings } from './parsed-file.ts'
import type { GatewaySettings } from './settings.ts'

export interface FollowedFileOptions {
  readonly path: string
  /** What stood in it when it was taken at first. */
  readonly first: string
  /** Puts settings in force, and answers what of them waits for a restart. A `StartError` is the fault of the file. */
  readonly take: (settings: GatewaySettings) => Promise<readonly string[]>
  readonly log: Log
  readonly repeat: Repeat | undefined
}

export interface FollowedFile {
  readonly warnings: () => readonly string[]
  /** Takes it as it is now, whether or not it has changed. Never rejects. */
  readonly reload: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** A file that is written in several steps is left alone until it has been the same for so long. */
const lookEveryMs = 1000

/**
 * Takes a new content of the file some two seconds after it is there. Not by `fs.watch`, which loses sight of a file
 * that an editor replaces and of the links that Kubernetes exchanges: the content is compared. A file that is
 * mistaken, half written or gone changes nothing, and that is in the log and among the warnings.
 */
export function followFile({ path, first, take, log, repeat }: FollowedFileOptions): FollowedFile {
  /** Undefined: it is in force. */
  let fault: Fault | undefined
  const takeFound = async (found: Found): Promise<Fault | undefined> => {
    try {
      if (found.kind === 'unreadable') return { detail: `it cannot be read (${found.code})` }
      const settings = parseGatewaySettings(parseSettingsText(found.text, path), path)
      const needsRestart = await take(settings)
      log.info({ file: path, routes: settings.routes.length }, 'the settings file is in force')
      if (needsRestart.length > 0) log.warn({ needsRestart }, 'a part of it waits for a restart')
      return undefined
    } catch (error) {
      return error instanceof StartError ? { detail: error.message } : { err: error }
    }
  }
  let tried: Found = { kind: 'text', text: first }
  let seen: Found = tried
  const stop = takeSteadySteps({
    step: async () => {
      const before = seen
      seen = await look(path)
      if (!isSame(seen, before) || isSame(seen, tried)) return fault
      tried = seen
      fault = await takeFound(seen)
      return fault
    },
    everyMs: lookEveryMs,
    trouble: refusedMessage,
    recovery: 'the settings file is sound again',
    log: log.child({ file: path }),
    repeat,
  })
  return {
    stop,
    warnings: () => (fault === undefined ? [] : ['settings-file-refused']),
    reload: async () => {
      seen = await look(path)
      tried = seen
      fault = await takeFound(seen)
      if (fault !== undefined) log.error({ file: path, ...fault }, refusedMessage)
    },
  }
}

const refusedMessage = 'the settings file is not taken: the settings before it stay in force'

type Fault = Readonly<Record<string, unknown>>

type Found =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unreadable'; readonly code: string }

async function look(path: string): Promise<Found> {
  try {
    return { kind: 'text', text: await readFile(path, 'utf8') }
  } catch (error) {
    return { kind: 'unreadable', code: systemErrorCode(error) ?? 'error' }
  }
}

function isSame(one: Found, other: Found): boolean {
  return one.kind === 'text'
    ? other.kind === 'text' && one.text === other.text
    : other.kind === 'unreadable' && one.code === other.code
}
