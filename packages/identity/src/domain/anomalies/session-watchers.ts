import type { AnyWatcher, Judging } from './watchers.ts'
import { watcher } from './watchers.ts'

const windowMs = 10 * 60_000
/** Thresholds are lower than this. */
const usesMax = 32

/** Where a session was used, one entry for each change of the network. */
type Uses = readonly (readonly [network: string, at: number])[]

/** The name by which nodes learn which sessions to look at more closely. */
export const networksOfSession = 'networks-of-session'

const ofSession = watcher<{ readonly uses: Uses }>({
  name: networksOfSession,
  keepMs: windowMs,
  subjectOf: (clue) => (clue.kind === 'session-used' ? clue.sessionId : undefined),
  see: ({ uses } = { uses: [] }, clue, judging) => {
    if (clue.kind !== 'session-used') return { state: { uses } }
    const { at, network, accountId, sessionId: subject } = clue
    const live = uses.filter(([, usedAt]) => usedAt > at - windowMs)
    const state = { uses: withUse(live, network, at) }
    const changes = changesIn(state.uses, judging)
    if (changes < judging.bounds.networkChangesMin) return { state }
    const networks = [...new Set(state.uses.map(([name]) => name))]
    const evidence = { networks, accounts: [accountId], counts: { changes } }
    return { state, findings: [{ rule: 'session-in-several-networks', subject, at, evidence }] }
  },
})

/** In a network that it stays in, the time of the last use is what counts. */
function withUse(uses: Uses, network: string, at: number): Uses {
  const before = uses.at(-1)?.[0] === network ? uses.slice(0, -1) : uses
  return [...before, [network, at] as const].slice(-usesMax)
}

function changesIn(uses: Uses, { placeOf }: Judging): number {
  return uses.reduce((changes, [network], index) => {
    const former = uses[index - 1]?.[0]
    if (former === undefined) return changes
    const [from, to] = [placeOf(former), placeOf(network)]
    if (from === undefined || to === undefined) return changes + 1
    return from === to ? changes : changes + 2
  }, 0)
}

export const sessionWatchers: readonly AnyWatcher[] = [ofSession]
