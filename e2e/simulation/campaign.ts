import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Failure, LivedShare, Share } from './lived.ts'
import { createTally } from './tally.ts'
import type { Order } from './worker.ts'

export interface Campaign {
  readonly seed: number
  readonly schedules: number
  /** The number of the first. */
  readonly first: number
}

export interface CampaignOutcome {
  readonly lived: number
  readonly counts: Readonly<Record<string, number>>
  readonly failure: Failure | undefined
}

/** All of them, in as many processes as the machine has room for. The first that is broken ends it. */
export async function runCampaign({ seed, schedules, first }: Campaign): Promise<CampaignOutcome> {
  const processes = Math.max(1, Math.min(availableParallelism(), schedules))
  const running = new Set<ChildProcess>()
  const shares = Array.from({ length: processes }, (_, at) =>
    runShare({ seed, first: first + at, step: processes, until: first + schedules }, running),
  )
  const tally = createTally()
  let lived = 0
  let failure: Failure | undefined
  await Promise.all(
    shares.map(async (share) => {
      const done = await share
      lived += done.lived
      tally.add(done.counts)
      failure ??= done.failure
      if (failure !== undefined) for (const one of running) if (one.connected) one.disconnect()
    }),
  )
  return { lived, counts: tally.counts(), failure }
}

interface ShareProcess {
  /** What is loaded before everything else. */
  readonly loader?: string
  readonly env?: NodeJS.ProcessEnv
  readonly shrinks?: boolean
}

export function runShare(
  share: Share,
  running: Set<ChildProcess>,
  { loader, env, shrinks = true }: ShareProcess = {},
): Promise<LivedShare> {
  const child = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), [], {
    execArgv: [
      '--conditions=@portcullis/source',
      // Most of what is made lives as long as its schedule, and dies young with it: what lives on is little, and there
      // is one such process for each core, so nobody helps another to clear up.
      '--min-semi-space-size=16',
      '--max-semi-space-size=16',
      '--initial-old-space-size=128',
      '--single-threaded-gc',
      ...(loader === undefined ? [] : ['--import', loader]),
    ],
    ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
  })
  running.add(child)
  return new Promise((resolve, reject) => {
    let lived: LivedShare | undefined
    child.once('message', (message) => {
      lived = message as LivedShare
      running.delete(child)
    })
    child.once('exit', (code) => {
      running.delete(child)
      if (lived !== undefined) resolve(lived)
      // Told to stop, because another has found something.
      else if (code === 0) resolve({ lived: 0, counts: {}, failure: undefined })
      else reject(new Error(`a process of the simulation ended with ${code}`))
    })
    const order: Order = { share, shrinks }
    child.send(order)
  })
}
