import { readFile } from 'node:fs/promises'
import {
  parseSettingsText,
  readSettingsText,
  StartError,
  systemErrorCode,
  takeSteadySteps,
} from '@portcullis/runtime'
import type { Gateway, GatewayOptions } from './gateway.ts'
import { startGateway } from './gateway.ts'
import { parseGatewaySettings } from './settings/parsed-file.ts'

/** `repeat` also calls for the looks at the file. */
export interface GatewayFromFileOptions extends Omit<GatewayOptions, 'warnings'> {}

export interface GatewayFromFile extends Omit<Gateway, 'reload'> {
  /**
   * Takes the file as it is now, and the client file and the certificates too, whether or not it has changed. Says in the log what came
   * of it, and never rejects.
   */
  readonly reload: () => Promise<void>
}

/** A file that is written in several steps is left alone until it has been the same for so long. */
const lookEveryMs = 1000

/**
 * Starts the gateway by its file, and follows the file: what has changed is in force some two seconds later. Not by
 * `fs.watch`, which loses sight of a file that an editor replaces and of the links that Kubernetes exchanges:
 * the content is compared. A file that is mistaken, half written or gone changes nothing, and that is in the
 * log and at `/health/ready`. Throws a `StartError` where the first one is.
 */
export async function startGatewayFromFile(
  path: string,
  options: GatewayFromFileOptions,
): Promise<GatewayFromFile> {
  const { log, repeat } = options
  const first = readSettingsText(path)
  /** Undefined: it is in force. */
  let fault: Fault | undefined
  const gateway = await startGateway(parseGatewaySettings(parseSettingsText(first, path), path), {
    ...options,
    warnings: () => (fault === undefined ? [] : ['settings-file-refused']),
  })
  const take = async (found: Found): Promise<Fault | undefined> => {
    try {
      if (found.kind === 'unreadable') return { detail: `it cannot be read (${found.code})` }
      const settings = parseGatewaySettings(parseSettingsText(found.text, path), path)
      const { needsRestart } = await gateway.reload(settings)
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
      fault = await take(seen)
      return fault
    },
    everyMs: lookEveryMs,
    trouble: refusedMessage,
    recovery: 'the settings file is sound again',
    log: log.child({ file: path }),
    repeat,
  })
  return {
    port: gateway.port,
    operationsPort: gateway.operationsPort,
    stopSecondsMax: gateway.stopSecondsMax,
    reload: async () => {
      seen = await look(path)
      tried = seen
      fault = await take(seen)
      if (fault !== undefined) log.error({ file: path, ...fault }, refusedMessage)
    },
    close: async () => {
      await stop()
      await gateway.close()
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
