import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { natsServer } from './debian-packages.ts'
import { freePort } from './free-port.ts'

/** A NATS server with JetStream on loopback, for tests: anybody on this machine may use it. */
export interface NatsServer {
  /** `127.0.0.1:<port>` */
  readonly address: string
  /** Ends it at once, as a power cut would. */
  readonly kill: () => Promise<void>
  /** Starts it again over the same data, on the same port. */
  readonly start: () => Promise<void>
  /** Ends it and deletes its data. */
  readonly remove: () => Promise<void>
}

export interface NatsServerOptions {
  /** What its file says, beside where it listens and keeps its data. */
  readonly configuration?: string
  /** The command line that runs the server, made of its own: for one core, for example. */
  readonly startedBy?: (command: readonly [string, ...string[]]) => readonly [string, ...string[]]
}

/** Throws where there is none. */
export async function startNatsServer({
  configuration = '',
  startedBy = (command) => command,
}: NatsServerOptions = {}): Promise<NatsServer> {
  const program = natsServer.find()
  if (program === undefined) throw new Error('there is no nats-server on this machine')
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-nats-'))
  const port = await freePort()
  const file = join(folder, 'nats.conf')
  writeFileSync(file, configuration)
  let server: ChildProcess | undefined
  const start = async (): Promise<void> => {
    const parameters = ['-js', '-sd', folder, '-c', file, '-a', '127.0.0.1', '-p', String(port)]
    const [command, ...rest] = startedBy([program, ...parameters])
    server = spawn(command, rest, { stdio: ['ignore', 'ignore', 'pipe'] })
    await untilReady(server)
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    server.kill(signal)
    await ended
  }
  // A run that breaks off leaves no server behind.
  const abandon = (): void => void server?.kill('SIGKILL')
  process.once('exit', abandon)
  await start()
  return {
    address: `127.0.0.1:${port}`,
    kill: () => end('SIGKILL'),
    start,
    remove: async () => {
      await end('SIGKILL')
      process.off('exit', abandon)
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

async function untilReady({ stderr }: ChildProcess): Promise<void> {
  if (stderr === null) throw new TypeError('the server has no log')
  const lines: string[] = []
  for await (const line of createInterface({ input: stderr })) {
    lines.push(line)
    if (!line.includes('Server is ready')) continue
    stderr.resume()
    return
  }
  throw new Error(`nats-server did not start: ${lines.join('\n')}`)
}
