import type { Log, Repeat } from '@portcullis/runtime'
import { takeSteadySteps } from '@portcullis/runtime'
import type { Activity } from '../domain/activity.ts'
import { bucketMs } from '../domain/activity.ts'
import type { ActivityStore } from '../domain/fleet-activity.ts'
import { removeSteadily } from './steady-removal.ts'

const forgetEveryMs = 60_000

export interface ActivityJob {
  readonly activity: Pick<Activity, 'unwritten' | 'written'>
  readonly store: Pick<ActivityStore, 'write' | 'forget'>
  /** What this process calls itself. */
  readonly node: string
  readonly log: Log
  readonly repeat?: Repeat
}

/**
 * Writes down what this node counts, for the overview that another one answers, and takes away what is older than an
 * hour, until the returned function has been called, which writes the rest. What a process has counted in the last
 * seconds before it is killed is lost.
 */
export function startWritingActivity({
  activity,
  store,
  node,
  log,
  repeat,
}: ActivityJob): () => Promise<void> {
  const write = async (isLast: boolean): Promise<void> => {
    const buckets = activity.unwritten(isLast)
    await store.write(node, buckets)
    activity.written(buckets)
  }
  const stops = [
    takeSteadySteps({
      step: () => write(false).then(() => undefined),
      everyMs: bucketMs,
      trouble: 'what this node does cannot be written down; the overview of others lacks it',
      recovery: 'what this node does is written down again',
      log,
      repeat,
    }),
    removeSteadily({
      remove: store.forget,
      everyMs: forgetEveryMs,
      trouble: 'what nodes have counted an hour ago cannot be removed; it takes room',
      recovery: 'what nodes have counted an hour ago is removed again',
      log,
      repeat,
    }),
  ]
  return async () => {
    for (const stop of stops) await stop()
    await write(true).catch((error: unknown) => {
      log.warn({ err: error }, 'the last that this node has done is in no overview')
    })
  }
}
