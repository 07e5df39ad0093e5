import type { ClientError } from './client-error.ts'
import { isOutage } from './client-error.ts'
import type { HeldToken } from './held-token.ts'
import { isAlive, isFresh } from './held-token.ts'
import type { RefreshParts, Target } from './refresh.ts'
import { heldFor, refresh } from './refresh.ts'

export interface AccessTokens {
  /** A token that will do for a while, refreshed when that is due. */
  readonly current: (target: Target) => Promise<string>
  /** Another token than the one that was turned down. */
  readonly otherThan: (rejected: string, target: Target) => Promise<string>
  readonly renew: () => Promise<void>
}

/** For how long a valid token is handed out before the issuer is asked again after an outage. */
const quietSecondsDefault = 5
const quietSecondsMax = 60

export function createAccessTokens(parts: RefreshParts): AccessTokens {
  const { current, now } = parts
  const flights = new Map<string, Promise<string>>()
  let quiet = { fromMs: 0, untilMs: 0 }

  /** However many ask, one asks the issuer. */
  const fly = (name: string, job: () => Promise<string>): Promise<string> => {
    const flying = flights.get(name)
    if (flying !== undefined) return flying
    const flight = job().finally(() => flights.delete(name))
    flights.set(name, flight)
    return flight
  }

  const aliveFor = async (target: Target): Promise<HeldToken | undefined> => {
    const held = heldFor(await current.demand(), target)
    return held !== undefined && isAlive(held, now()) ? held : undefined
  }

  const quietAfter = ({ retryAfterSeconds = quietSecondsDefault }: ClientError): typeof quiet => {
    const seconds = Math.min(retryAfterSeconds, quietSecondsMax) * (0.5 + parts.pace.random())
    return { fromMs: now(), untilMs: now() + seconds * 1000 }
  }

  return {
    current: async (target) => {
      const held = await aliveFor(target)
      if (held !== undefined) {
        const isQuiet = quiet.fromMs <= now() && now() < quiet.untilMs
        if (isFresh(held, now()) || isQuiet) return held.token
        if ((await current.demand()).refreshToken === undefined) return held.token
      }
      try {
        return await fly(target, () => refresh(parts, target, (found) => isFresh(found, now())))
      } catch (error) {
        if (!isOutage(error)) throw error
        quiet = quietAfter(error)
        const last = await aliveFor(target)
        if (last === undefined) throw error
        return last.token
      }
    },
    otherThan: (rejected, target) =>
      fly(target, () =>
        refresh(parts, target, (found) => found.token !== rejected && isFresh(found, now())),
      ),
    renew: async () => {
      // A flight of its own: the others may end without asking, with what a second tab has got.
      await fly('forced', () => refresh(parts, 'services', () => false))
    },
  }
}
