import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../tools/free-port.ts'
import { untilAnswered } from '../until-answered.ts'
import type { Span } from './spans.ts'
import { keepSpan, metAny } from './spans.ts'

export interface Service {
  readonly name: string
  readonly origin: string
  readonly restart: (signal: 'SIGTERM' | 'SIGKILL', downMs: number) => Promise<void>
  /** Whether anything that was under way between these moments may have met one of its restarts. */
  readonly wasOut: (fromMs: number, untilMs: number) => boolean
  /** What it is at, as it says itself. */
  readonly underWay: () => Promise<{ readonly underWay: number; readonly switched: number }>
  readonly stop: () => Promise<void>
}

const program = fileURLToPath(new URL('service-process.ts', import.meta.url))
/** A connection that was made before may be found dead a moment later. */
const settlingMs = 1000

export async function startService(name: string): Promise<Service> {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const outages: Span[] = []
  const start = async (): Promise<ChildProcess> => {
    const started = spawn(process.execPath, [program, name, String(port)], { stdio: 'inherit' })
    await untilAnswered(`${origin}/a/stats`)
    return started
  }
  let child = await start()
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }
  return {
    name,
    origin,
    restart: async (signal, downMs) => {
      const outage = { fromMs: Date.now(), untilMs: Infinity }
      keepSpan(outages, outage)
      await end(signal)
      await setTimeout(downMs)
      child = await start()
      outage.untilMs = Date.now() + settlingMs
    },
    wasOut: (fromMs, untilMs) => metAny(outages, fromMs, untilMs),
    underWay: async () => {
      const answer = await fetch(`${origin}/a/stats`, { headers: { connection: 'close' } })
      return (await answer.json()) as { underWay: number; switched: number }
    },
    stop: () => end('SIGKILL'),
  }
}
