import type { At, Notice, Sighting } from './sightings.ts'

/** What one node has seen and not written down yet. */
export interface GatheredSightings {
  readonly notice: Notice
  /** The oldest, which are no longer here then. */
  readonly take: (max: number) => readonly At<Sighting>[]
  /** Gives back what could not be written. */
  readonly giveBack: (sightings: readonly At<Sighting>[]) => void
  /** From here on these sessions are looked at wherever they are used: another node has seen them elsewhere. */
  readonly watchSessions: (sessionIds: readonly string[]) => void
  /** How many there was no room for, since it was last asked. */
  readonly dropped: () => number
}

/** So many are kept until they are written, a few hundred bytes each. */
const heldMax = 5000
/** Of what one network does, or one client: it would drown what others do otherwise. */
const ofSourceMax = 500
/** A session that goes on in one network is told once in this time. */
const sessionEveryMs = 60_000
const sessionsMax = 20_000

export function createGatheredSightings(now: () => number): GatheredSightings {
  /** By what they are about: the same again is counted. */
  let held = new Map<string, At<Sighting>>()
  let ofSource = new Map<string, number>()
  let dropped = 0
  let watched: ReadonlySet<string> = new Set()
  /** Where sessions were used last, of those that are used elsewhere than at their login. */
  const lastUses = new Map<string, { readonly network: string; readonly at: number }>()

  const isNews = (used: Extract<Sighting, { readonly kind: 'session-used' }>): boolean => {
    const { sessionId, network, loginNetwork } = used
    const last = lastUses.get(sessionId)
    const isAsUsual = network === loginNetwork && !watched.has(sessionId) && last === undefined
    if (isAsUsual) return false
    if (last?.network === network && now() - last.at < sessionEveryMs) return false
    lastUses.delete(sessionId)
    lastUses.set(sessionId, { network, at: now() })
    const [oldest] = lastUses.keys()
    if (lastUses.size > sessionsMax && oldest !== undefined) lastUses.delete(oldest)
    return true
  }

  const add = (sighting: At<Sighting>): void => {
    const key = keyOf(sighting)
    const before = held.get(key)
    if (before !== undefined) {
      held.set(key, together(before, sighting))
      return
    }
    const source = sourceOf(sighting)
    const count = (ofSource.get(source) ?? 0) + 1
    if (held.size >= heldMax || count > ofSourceMax) {
      dropped += 1
      return
    }
    ofSource.set(source, count)
    held.set(key, sighting)
  }

  return {
    notice: (sighting) => {
      if (sighting.kind === 'session-used' && !isNews(sighting)) return
      add({ ...sighting, at: now() })
    },
    take: (max) => {
      const taken = [...held].slice(0, max)
      if (taken.length === held.size) {
        held = new Map()
        ofSource = new Map()
      } else for (const [key] of taken) held.delete(key)
      return taken.map(([, sighting]) => sighting)
    },
    giveBack: (sightings) => {
      for (const sighting of sightings) add(sighting)
    },
    watchSessions: (sessionIds) => {
      watched = new Set(sessionIds)
    },
    dropped: () => {
      const count = dropped
      dropped = 0
      return count
    },
  }
}

function sourceOf(sighting: Sighting): string {
  return 'network' in sighting ? `network ${sighting.network}` : `client ${sighting.clientId}`
}

/** Uses of sessions are not counted: their order is what matters. */
function keyOf(sighting: At<Sighting>): string {
  const { kind } = sighting
  switch (kind) {
    case 'wrong-password':
      return `${kind} ${sighting.network} ${sighting.target}`
    case 'tokens-issued':
      return `${kind} ${sighting.clientId}`
    case 'tokens-refused':
      return `${kind} ${sighting.clientId} ${sighting.reason}`
    case 'clock-apart':
      return `${kind} ${sighting.clientId} ${sighting.follower}`
    case 'signed-in':
      return `${kind} ${sighting.sessionId}`
    case 'session-used':
      return `${kind} ${sighting.sessionId} ${sighting.at} ${sighting.network}`
  }
}

function together(one: At<Sighting>, other: At<Sighting>): At<Sighting> {
  return 'times' in one && 'times' in other ? { ...one, times: one.times + other.times } : other
}
