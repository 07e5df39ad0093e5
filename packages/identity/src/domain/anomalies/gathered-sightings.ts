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
/** Of what clients say, all of them together: what people do at logins always has the rest. */
const ofClientsMax = 2000
/** Of what one network does, or one client: it would drown what others do otherwise. */
const ofSourceMax = 500
/** A session that goes on in one network is told once in this time. */
const sessionEveryMs = 60_000
const sessionsMax = 20_000

export function createGatheredSightings(now: () => number): GatheredSightings {
  /** By what they are about: the same again is counted. */
  const held = new Map<string, At<Sighting>>()
  const ofSource = new Map<string, number>()
  let ofClients = 0
  let dropped = 0
  const uses = createSessionUses(now)

  /** Answers how many there are of its source then. */
  const count = (sighting: Sighting, change: 1 | -1): number => {
    const source = sourceOf(sighting)
    const there = (ofSource.get(source) ?? 0) + change
    if (there === 0) ofSource.delete(source)
    else ofSource.set(source, there)
    if (!('network' in sighting)) ofClients += change
    return there
  }

  const add = (sighting: At<Sighting>): void => {
    const key = keyOf(sighting)
    const before = held.get(key)
    if (before !== undefined) {
      held.set(key, together(before, sighting))
      return
    }
    const isTooMuch = count(sighting, 1) > ofSourceMax || ofClients > ofClientsMax
    if (held.size >= heldMax || isTooMuch) {
      count(sighting, -1)
      dropped += 1
      return
    }
    held.set(key, sighting)
  }

  return {
    notice: (sighting) => {
      if (sighting.kind === 'session-used' && !uses.isNews(sighting)) return
      add({ ...sighting, at: now() })
    },
    take: (max) => {
      const taken = [...held].slice(0, max)
      for (const [key, sighting] of taken) {
        held.delete(key)
        count(sighting, -1)
      }
      return taken.map(([, sighting]) => sighting)
    },
    giveBack: (sightings) => {
      for (const sighting of sightings) add(sighting)
    },
    watchSessions: uses.watch,
    dropped: () => {
      const sinceAsked = dropped
      dropped = 0
      return sinceAsked
    },
  }
}

type SessionUse = Extract<Sighting, { readonly kind: 'session-used' }>

/** Which uses of sessions are worth a look: those that are not where their login was. */
function createSessionUses(now: () => number): {
  readonly isNews: (used: SessionUse) => boolean
  readonly watch: GatheredSightings['watchSessions']
} {
  let watched: ReadonlySet<string> = new Set()
  /** Where sessions were used last, of those that are used elsewhere than at their login. */
  const lastUses = new Map<string, { readonly network: string; readonly at: number }>()

  const isNews = (used: SessionUse): boolean => {
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

  return {
    isNews,
    watch: (sessionIds) => {
      watched = new Set(sessionIds)
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
