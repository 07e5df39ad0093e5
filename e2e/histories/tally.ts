import type { Deed, Ledger } from './ledger.ts'
import { isSurelyStale } from './reasons.ts'

/** What all histories of a run came to, so that nobody takes a run that hit nothing for a proof. */
export interface Tally {
  readonly count: (ledger: Ledger) => void
  readonly histories: () => number
  readonly thefts: () => number
  /** How often a kind of deed was answered so. */
  readonly of: (kind: Deed['kind'], reply: Deed['reply']['kind']) => number
  /** For a person to read. */
  readonly told: () => string
}

export function createTally(): Tally {
  const counts = new Map<string, number>()
  let histories = 0
  let thefts = 0
  return {
    count: (ledger) => {
      histories += 1
      for (const deed of ledger.deeds) {
        const name = nameOf(deed.kind, deed.reply.kind)
        counts.set(name, (counts.get(name) ?? 0) + 1)
        if (deed.kind === 'refresh' && isSurelyStale(ledger, deed)) thefts += 1
      }
    },
    histories: () => histories,
    thefts: () => thefts,
    of: (kind, reply) => counts.get(nameOf(kind, reply)) ?? 0,
    told: () => {
      const each = [...counts].map(([name, count]) => `${count} ${name}`)
      return `${histories} histories; ${thefts} old tokens; ${each.toSorted().join(', ')}`
    },
  }
}

function nameOf(kind: Deed['kind'], reply: Deed['reply']['kind']): string {
  return `${kind} ${reply}`
}
