import type { FollowerReceipt, FollowerState, Receipts } from '@portcullis/client/admin'
import { timedOf } from './verdict.ts'

/** A follower in the drawing. */
export interface Mark {
  readonly key: string
  /** None of those that are counted only. */
  readonly receipt?: FollowerReceipt
  readonly state: FollowerState
  /** When it had it, where it has and that is known. */
  readonly afterMs?: number
}

/** Followers that are drawn on one line. */
export interface Lane {
  readonly key: string
  readonly client?: string
  readonly software?: string
  readonly version?: string
  readonly marks: readonly Mark[]
}

const lanesMax = 10

/** A line for each client and its software, by name; one line for all where there are too many to be read. */
export function lanesOf(
  receipts: Receipts,
  nameOf: (client: string) => string = (client) => client,
): readonly Lane[] {
  const named = receipts.followers.map(markOf)
  const rest = unnamedMarks(receipts)
  const groups = Map.groupBy(receipts.followers, groupOf)
  if (rest.length > 0 || groups.size > lanesMax) return [{ key: 'all', marks: [...named, ...rest] }]
  const lanes = [...groups].map(([key, members]) => {
    const { client, software, version } = members[0] ?? {}
    return {
      key,
      ...(client === undefined ? {} : { client }),
      ...(software === undefined ? {} : { software }),
      ...(version === undefined ? {} : { version }),
      marks: members.map(markOf),
    }
  })
  const label = ({ client = '', key }: Lane): string => `${nameOf(client)} ${key}`
  return lanes.toSorted((one, other) => label(one).localeCompare(label(other)))
}

export function groupOf(one: Pick<FollowerReceipt, 'client' | 'software' | 'version'>): string {
  return [one.client, one.software, one.version].map((part) => part ?? '').join(' ')
}

function markOf(receipt: FollowerReceipt): Mark {
  const { client = '', follower, state, afterMs } = receipt
  const key = `${client}.${follower}`
  return { key, receipt, state, ...(afterMs === undefined ? {} : { afterMs }) }
}

/** An answer names 200; of the others it says how many there are, and of what latency. */
function unnamedMarks(receipts: Receipts): readonly Mark[] {
  const { followers } = receipts
  const marks: Mark[] = []
  for (const state of ['unknown', 'refusing'] as const) {
    const left = receipts[state] - followers.filter((one) => one.state === state).length
    for (let at = 0; at < left; at += 1) marks.push({ key: `${state} ${at}`, state })
  }
  const timeless = followers.filter(
    ({ state, afterMs }) => state === 'applied' && afterMs === undefined,
  )
  const timelessLeft = receipts.applied - timedOf(receipts) - timeless.length
  for (let at = 0; at < timelessLeft; at += 1) {
    marks.push({ key: `timeless ${at}`, state: 'applied' })
  }
  const namedMs = followers.flatMap(({ afterMs }) => (afterMs === undefined ? [] : [afterMs]))
  let fromMs = -1
  for (const { upToMs, followers: count } of receipts.latencies) {
    const toMs = upToMs ?? Math.max(fromMs, receipts.slowestMs ?? 0)
    const isHere = (ms: number): boolean => ms > fromMs && ms <= toMs
    const left = count - namedMs.filter(isHere).length
    const beginMs = Math.max(0, fromMs)
    for (let at = 0; at < left; at += 1) {
      // Somewhere between the bounds: they are spread evenly.
      const afterMs = beginMs + ((toMs - beginMs) * (at + 0.5)) / left
      marks.push({ key: `${toMs} ${at}`, state: 'applied', afterMs })
    }
    fromMs = toMs
  }
  return marks
}
