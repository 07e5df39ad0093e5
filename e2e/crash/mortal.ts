import assert from 'node:assert/strict'
import type { PostgresServer } from '../../tools/postgres-server.ts'
import { untilItWorks } from '../patience.ts'
import type { CommandRun, Variables } from '../running-system.ts'
import { runPortcullis } from '../running-system.ts'

/** A program that is killed, and started again over what it has left. */
export interface Mortal {
  readonly start: () => Promise<void>
  /** Sends the signal before it returns, and only once. */
  readonly kill: () => void
  /** Resolves when it is gone, and nothing that it had begun can take effect any more. */
  readonly gone: () => Promise<void>
  readonly isDown: () => boolean
}

/** An identity, one process after the other on one port. */
export interface Node extends Mortal {
  readonly port: number
  /** Starts it and does not let it come up. */
  readonly killWhileStarting: (afterMs: number) => Promise<void>
  /** What its processes have logged of the audit record, each time when it was durable. */
  readonly auditAnchors: () => readonly string[]
}

export interface NodeOptions {
  readonly port: number
  /** Its settings. */
  readonly file: string
  readonly folder: string
  readonly variables: Variables
  /** Resolves when what the dead process has sent to its store is over. */
  readonly untilQuiet?: () => Promise<void>
}

const startMsMax = 20_000
const pollMs = 5

export function createNode({ port, file, folder, variables, untilQuiet }: NodeOptions): Node {
  const runs: CommandRun[] = []
  let run: CommandRun | undefined
  let isDown = true
  const spawn = (): CommandRun => {
    const spawned = runPortcullis(['identity', '--config', file], { folder, variables })
    runs.push(spawned)
    return spawned
  }
  const kill = (): void => {
    if (isDown) return
    isDown = true
    run?.child.kill('SIGKILL')
  }
  return {
    port,
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
      await untilQuiet?.()
    },
    isDown: () => isDown,
    auditAnchors: () => runs.flatMap((one) => anchorsIn(one.output())),
  }
}

function anchorsIn(output: string): readonly string[] {
  return [...output.matchAll(/"auditAnchor":"([^"\n]+)"/g)].map(([, anchor = '']) => anchor)
}

/** A PostgreSQL server that runs already. */
export function createServer({ kill, start }: PostgresServer): Mortal {
  let killed: Promise<void> | undefined
  return {
    start: async () => {
      await untilItWorks(start)
      killed = undefined
    },
    kill: () => {
      killed ??= kill()
    },
    gone: async () => killed,
    isDown: () => killed !== undefined,
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
