import type { GatewaySettings } from '../settings/settings.ts'

/** Which worker it is, from 1, and of how many. */
export interface Share {
  readonly number: number
  readonly count: number
}

/**
 * The settings of one worker. What may be there at a time is divided, so that all of them together hold what the file
 * says. Rates are not: a caller with one connection has one worker, and would be refused at a part of its rate.
 *
 * Each writes a file of its own about revocations; that of the first is the one that is named.
 */
export function shareOf(settings: GatewaySettings, { number, count }: Share): GatewaySettings {
  const { limits, relay, revocation } = settings
  const part = (whole: number): number => Math.ceil(whole / count)
  return {
    ...settings,
    operations: undefined,
    limits: {
      ...limits,
      connections: part(limits.connections),
      requests: part(limits.requests),
      requestsPerService: part(limits.requestsPerService),
    },
    relay: relay && {
      followers: part(relay.followers),
      followersPerClient: part(relay.followersPerClient),
    },
    revocation:
      revocation === 'untilExpiry' || revocation.stateFile === undefined || number === 1
        ? revocation
        : { ...revocation, stateFile: `${revocation.stateFile}.${number}` },
  }
}
