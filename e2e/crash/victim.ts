import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { bootstrap, newRandomSecret } from '@portcullis/identity'
import type { CommandRun } from '../running-system.ts'
import { runPortcullis } from '../running-system.ts'

/** The identity that is killed again and again: one port, one store, one process after the other. */
export interface Victim {
  readonly issuer: string
  readonly port: number
  readonly databasePath: string
  readonly accounts: readonly KnownAccount[]
  readonly start: () => Promise<void>
  /** Starts it and does not let it come up. */
  readonly killWhileStarting: (afterMs: number) => Promise<void>
  /** Sends the signal before it returns, and only once. */
  readonly kill: () => void
  /** Resolves when the process is gone and what it had said has been read. */
  readonly gone: () => Promise<void>
  readonly isDown: () => boolean
}

export interface KnownAccount {
  readonly identifier: string
  readonly password: string
  readonly roles: readonly string[]
}

const peopleCount = 11
const startMsMax = 20_000
const pollMs = 5

export async function prepareVictim(folder: string): Promise<Victim> {
  const port = await steadyPort()
  const issuer = `http://localhost:${port}`
  const databasePath = join(folder, 'identity.db')
  const names = Array.from({ length: peopleCount }, (_, at) => `person-${at + 1}`)
  const accounts: readonly KnownAccount[] = [
    { identifier: 'admin', password: newRandomSecret(), roles: ['identity-admin'] },
    ...names.map((identifier) => ({ identifier, password: newRandomSecret(), roles: [] })),
  ]
  await bootstrap({ database: `sqlite:${databasePath}`, accounts, clients: [] })
  const file = join(folder, 'identity.json')
  writeFileSync(file, JSON.stringify(settingsOf(issuer, port, databasePath)))
  const variables = {
    PORTCULLIS_SEALING_KEY: randomBytes(32).toString('base64'),
    PORTCULLIS_REFRESH_PEPPER: randomBytes(32).toString('base64'),
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(folder, 'compiled'),
  }
  const spawn = (): CommandRun =>
    runPortcullis(['identity', '--config', file], { folder, variables })
  return { issuer, port, databasePath, accounts, ...lifeOf(spawn) }
}

function settingsOf(issuer: string, port: number, databasePath: string): object {
  return {
    issuer,
    audiences: { orders: {} },
    listen: { port },
    operations: { port: 0 },
    database: `sqlite:${databasePath}`,
    // A waiting key may sign after seven seconds instead of ten minutes.
    jwksMaxAgeSeconds: 1,
    // Without a window every refresh is a rotation, the load is as high as it can be, and no outcome
    // hangs on how long a restart took: an unanswered call converges by its `attempt`, or is theft.
    refreshGraceSeconds: 0,
  }
}

function lifeOf(
  spawn: () => CommandRun,
): Pick<Victim, 'start' | 'killWhileStarting' | 'kill' | 'gone' | 'isDown'> {
  let run: CommandRun | undefined
  let isDown = true
  const kill = (): void => {
    if (isDown) return
    isDown = true
    run?.child.kill('SIGKILL')
  }
  return {
    start: async () => {
      const started = spawn()
      run = started
      isDown = false
      await untilReady(started).catch((error: unknown) => {
        kill()
        throw error
      })
    },
    killWhileStarting: async (afterMs) => {
      const started = spawn()
      await new Promise((resolve) => setTimeout(resolve, afterMs))
      started.child.kill('SIGKILL')
      assert.equal(await started.ended, 'SIGKILL', started.errors())
    },
    kill,
    gone: async () => {
      if (run !== undefined) assert.equal(await run.ended, 'SIGKILL', run.errors())
    },
    isDown: () => isDown,
  }
}

async function untilReady(run: CommandRun): Promise<void> {
  const deadline = performance.now() + startMsMax
  while (!run.output().includes('identity is ready')) {
    const { exitCode, signalCode } = run.child
    const isOver = exitCode !== null || signalCode !== null || performance.now() > deadline
    assert.ok(!isOver, `identity did not come up again: ${run.errors()}${run.output()}`)
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
}

const steadyPortsMin = 20_000
const steadyPortsMax = 30_000

/**
 * A free port below those that systems give to outgoing connections: one of them could take it in the
 * moment between a kill and the next start.
 */
async function steadyPort(): Promise<number> {
  for (let tries = 0; tries < 50; tries += 1) {
    const port = randomInt(steadyPortsMin, steadyPortsMax)
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
  throw new Error('no free port was found')
}
