import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '@portcullis/runtime'
import type { Activity } from './domain/activity.ts'
import type { Census } from './domain/census.ts'
import { createCensus } from './domain/census.ts'
import type { FleetActivity } from './domain/fleet-activity.ts'
import { createFleetActivity } from './domain/fleet-activity.ts'
import { randomIdentifier } from './domain/random.ts'
import { startWritingActivity } from './jobs/activity.ts'
import { createActivityStore } from './store/activity.ts'
import { createCounting } from './store/census.ts'
import type { Database } from './store/database.ts'

export interface StartedActivity {
  readonly activity: Activity
  readonly activityOf: (minutes: number) => Promise<FleetActivity>
  readonly census: () => Promise<Census | undefined>
}

export interface ActivitySources {
  readonly activity: Activity
  readonly database: Database
  readonly now: () => number
  readonly log: Log
}

/** What overviews draw. `onClose` is told how to end what goes on by the clock. */
export function startActivity(
  { activity, database, now, log }: ActivitySources,
  onClose: (step: () => Promise<void>) => void,
): StartedActivity {
  const store = createActivityStore(database)
  const node = randomIdentifier(randomBytes)
  onClose(startWritingActivity({ activity, store, node, log }))
  return {
    activity,
    activityOf: createFleetActivity({ activity, store, node, now }),
    census: createCensus({
      count: createCounting(database),
      now,
      monotonic: () => performance.now(),
      pause: (ms) => pause(ms, undefined, { ref: false }),
    }),
  }
}
