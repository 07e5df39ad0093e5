import type { Route } from '../settings/settings.ts'
import type { Upstream } from './upstream.ts'

/** The services of one route, one of which is chosen for each request. */
export interface Services {
  /**
   * As the route's `balance` says, among those that are in and have room. A request that may be sent again also
   * tries one that is due. Where all are left out, the one that is due first: an answer of it is worth more than
   * a certain refusal.
   */
  readonly first: (isRepeatable: boolean) => Upstream
  /** For a request that is sent again: another one; the same only where no other is in and it was reached. */
  readonly second: (failed: Upstream, wasReached: boolean) => Upstream | undefined
}

/** How long only requests that may be sent again try a service that was left out: they are not lost with it. */
const repeatableOnlyMs = 10_000

export function createServices(
  upstreams: readonly [Upstream, ...Upstream[]],
  balance: Route['balance'],
  now: () => number,
): Services {
  const [only, ...others] = upstreams
  if (others.length === 0) {
    return { first: () => only, second: (_failed, wasReached) => (wasReached ? only : undefined) }
  }
  let turn = 0
  const inTurn = (): readonly Upstream[] => [...upstreams.slice(turn), ...upstreams.slice(0, turn)]
  /** Of those that are fit alike, the one whose turn it is. One that is full is passed over; where all are, it refuses. */
  const choose = (fit: readonly Upstream[]): Upstream => {
    const free = fit.filter(({ hasRoom }) => hasRoom())
    const chosen = balance === 'least-busy' ? leastBusy(free) : free[0]
    const one = chosen ?? fit[0] ?? only
    turn = (upstreams.indexOf(one) + 1) % upstreams.length
    return one
  }
  const isFit = ({ health }: Upstream, isRepeatable: boolean): boolean => {
    const standing = health.standing()
    if (standing !== 'due') return standing === 'in'
    return isRepeatable || now() - health.dueAtMs() >= repeatableOnlyMs
  }
  return {
    first: (isRepeatable) => {
      const candidates = inTurn()
      const fit = candidates.filter((upstream) => isFit(upstream, isRepeatable))
      return choose(fit.length > 0 ? fit : firstDue(candidates))
    },
    second: (failed, wasReached) => {
      const candidates = inTurn().filter((upstream) => upstream !== failed)
      const fit = candidates.filter((upstream) => isFit(upstream, true))
      if (fit.length > 0) return choose(fit)
      return wasReached ? failed : choose(firstDue(candidates))
    },
  }
}

function leastBusy(upstreams: readonly Upstream[]): Upstream | undefined {
  const fewest = Math.min(...upstreams.map(({ underWay }) => underWay()))
  return upstreams.find(({ underWay }) => underWay() === fewest)
}

function firstDue(upstreams: readonly Upstream[]): readonly Upstream[] {
  const first = Math.min(...upstreams.map(({ health }) => health.dueAtMs()))
  return upstreams.filter(({ health }) => health.dueAtMs() === first)
}
