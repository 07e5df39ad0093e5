import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { extname } from 'node:path'
import { StartError } from '@portcullis/runtime'

export interface PartOptions {
  readonly name: string
  readonly module: URL
  readonly parameters: readonly string[]
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly logFile: string
  /** Anything but 503 from here means that the part is ready. */
  readonly readyUrl: string
  /** Aborts when another part has failed: there is nothing left to wait for. */
  readonly signal: AbortSignal
}

/** One process of a development system. */
export interface Part {
  readonly name: string
  /** Settles when the process ends, with the last that it wrote to standard error, or how it ended. */
  readonly ended: Promise<string>
  readonly stop: () => Promise<void>
}

const readySecondsMax = 20
const pollMs = 25
const stopSecondsMax = 6
const rememberedCharacters = 4096

export async function startPart(options: PartOptions): Promise<Part> {
  const child = fork(
    siblingModule('./child-entry', import.meta.url),
    [options.module.href, ...options.parameters],
    {
      // A process group of its own: Ctrl-C reaches the supervisor, which then stops its parts in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...options.variables },
    },
  )
  const ended = outputOf(child, options.logFile)
  const part: Part = { name: options.name, ended, stop: () => stopChild(child) }
  const outcome = await Promise.race([
    ended.then((standardErrorTail) => ({ kind: 'ended', standardErrorTail }) as const),
    answers(options.readyUrl, options.signal).then(
      (isUp) => ({ kind: isUp ? 'up' : 'silent' }) as const,
    ),
  ])
  if (outcome.kind === 'up') return part
  await part.stop()
  throw outcome.kind === 'ended'
    ? new StartError(
        `${options.name} stopped while starting:\n${outcome.standardErrorTail.trim()}`,
        `Its log is ${options.logFile}.`,
      )
    : new StartError(
        `${options.name} was not ready after ${readySecondsMax} seconds`,
        `Its log is ${options.logFile}.`,
      )
}

/** Keeps all output in the log file, and answers the end of standard error when the process ends. */
async function outputOf(child: ChildProcess, logFile: string): Promise<string> {
  const log = createWriteStream(logFile, { mode: 0o600, flags: 'a' })
  let standardErrorTail = ''
  child.stdout?.pipe(log, { end: false })
  child.stderr?.pipe(log, { end: false })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    standardErrorTail = (standardErrorTail + text).slice(-rememberedCharacters)
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  log.end()
  return standardErrorTail === '' ? `ended with ${signal ?? `code ${code}`}` : standardErrorTail
}

async function answers(url: string, signal: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + readySecondsMax * 1000
  while (performance.now() < deadline && !signal.aborted) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(1000) })
      await response.arrayBuffer()
      if (response.status !== 503) return true
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
  return false
}

/** A module beside another one, as source or as it was built. */
export function siblingModule(path: string, beside: string): URL {
  return new URL(`${path}${extname(beside)}`, beside)
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  // A part that hangs must not outlive the system and keep its port.
  const kill = setTimeout(() => child.kill('SIGKILL'), stopSecondsMax * 1000)
  await once(child, 'exit')
  clearTimeout(kill)
}
