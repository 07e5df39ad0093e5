import { ClientError } from '@portcullis/client'
import type { Anomaly, AnomalyDetails } from '@portcullis/client/admin'
import { administration } from '../session/session.ts'

/** Undefined when there is none of this id. */
export async function findAnomaly(id: string): Promise<AnomalyDetails | undefined> {
  try {
    return await administration.anomalies.get(id)
  } catch (error) {
    if (error instanceof ClientError && error.reason === 'not-found') return undefined
    throw error
  }
}

/** `<chain>:<seq>` of those records that led to it and are not kept any more. */
export function missingRecords({ evidence, records }: AnomalyDetails): readonly string[] {
  const kept = new Set(records.map(({ chain, seq }) => `${chain}:${seq}`))
  return evidence.records.filter((place) => !kept.has(place))
}

const hourMs = 3_600_000

/** The time in which what led to it was recorded: rules look back for an hour, and judge a moment later. */
export function timeAround({ firstSeen, lastSeen }: Anomaly): {
  readonly from: Date
  readonly to: Date
} {
  return {
    from: new Date(firstSeen.getTime() - hourMs),
    to: new Date(lastSeen.getTime() + hourMs),
  }
}
