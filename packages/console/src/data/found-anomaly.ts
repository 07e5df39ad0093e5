import type { Anomaly, AuditEvent } from '@portcullis/client/admin'
import { administration } from '../session/session.ts'

/** One anomaly, with those records that led to it which are still kept. */
export interface FoundAnomaly {
  readonly anomaly: Anomaly
  readonly records: readonly AuditEvent[]
  /** `<chain>:<seq>` of the others. */
  readonly missing: readonly string[]
}

export async function findAnomaly(id: string): Promise<FoundAnomaly | undefined> {
  for await (const anomaly of administration.anomalies.list()) {
    if (anomaly.id === id) return withRecords(anomaly)
  }
  return undefined
}

const recordsMax = 500
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

async function withRecords(anomaly: Anomaly): Promise<FoundAnomaly> {
  const named = anomaly.evidence.records
  if (named.length === 0) return { anomaly, records: [], missing: [] }
  const account = anomaly.about === 'account' ? { account: anomaly.subject } : {}
  const filter = { ...timeAround(anomaly), ...account }
  const { items } = await administration.audit.page(filter, { limit: recordsMax })
  const records = items.filter((event) => named.includes(placeOf(event)))
  const found = new Set(records.map(placeOf))
  return { anomaly, records, missing: named.filter((place) => !found.has(place)) }
}

function placeOf({ chain, seq }: AuditEvent): string {
  return `${chain}:${seq}`
}
