import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/** A program that is not ours, as a process that listens on loopback. */
export interface ListeningProgram {
  readonly port: number
  readonly stop: () => Promise<void>
}

interface Started {
  readonly program: string
  readonly parameters: readonly string[]
  /** Which it has been told to listen on. */
  readonly port: number
  readonly cwd?: string
  /** Beside the variables of this process. */
  readonly env: NodeJS.ProcessEnv
}

export async function startListening(started: Started): Promise<ListeningProgram> {
  const { program, parameters, port, cwd, env } = started
  const child = spawn(program, parameters, {
    ...(cwd !== undefined && { cwd }),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const said: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text))
  await untilListening(child, port, () => `${program}: ${said.join('')}`)
  return {
    port,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

/**
 * One below those that systems give to whoever asks for any: nobody takes it before the process that is told it,
 * and nobody else answers there when that process is away.
 */
export async function quietPort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = randomInt(10_000, 30_000)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('listening', () => resolve(true))
      server.once('error', () => resolve(false))
    })
    if (!isFree) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
  throw new Error('no port is free')
}

async function untilListening(
  child: ChildProcess,
  port: number,
  said: () => string,
): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (child.exitCode !== null) throw new Error(`it ended: ${said()}`)
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    socket.destroy()
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  child.kill('SIGKILL')
  throw new Error(`it does not listen: ${said()}`)
}
