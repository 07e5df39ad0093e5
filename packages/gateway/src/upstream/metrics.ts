import type { Metrics } from '@portcullis/runtime'
import type { UpstreamFailure } from './second-try.ts'

export interface ServiceState {
  /** Requests in the whole process. */
  readonly underWay: () => number
  /** Origins that are left out. */
  readonly unreachable: () => readonly string[]
}

/** How it goes with the services behind the gateway. Answers how to count that one has failed. */
export function tellOfServices(
  { counter, gauge }: Metrics,
  { underWay, unreachable }: ServiceState,
): (failure: UpstreamFailure) => void {
  gauge(
    {
      name: 'portcullis_gateway_requests_under_way',
      help: 'Requests that are under way, of which limits.requests may be.',
      labels: [],
    },
    underWay,
  )
  gauge(
    {
      name: 'portcullis_gateway_unreachable_upstreams',
      help: 'How many origins are left out because they cannot be reached.',
      labels: [],
      // Each worker finds out for itself.
      together: 'max',
    },
    () => unreachable().length,
  )
  const countFailure = counter({
    name: 'portcullis_gateway_upstream_failures_total',
    help: 'Requests that an origin of the file has failed.',
    labels: ['upstream', 'again'],
  })
  return ({ upstream, next }) =>
    countFailure({ upstream, again: next === undefined ? 'no' : 'yes' })
}
