import { Resolver } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import type { ReachableAddresses } from './reachable-addresses.ts'

/** The addresses of a name. */
export type ResolveName = (name: string) => Promise<readonly string[]>

/**
 * Asks the DNS by itself, and not the operating system: that would take a thread for each name, of which passwords have
 * most, and whoever has a slow DNS server could keep them all.
 */
export function createResolveName(): ResolveName {
  return async (name) => {
    if (name === 'localhost') return ['127.0.0.1']
    const resolver = new Resolver({ timeout: 2000, tries: 2 })
    const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  }
}

/**
 * The lookup of a connection, which goes to exactly what was looked at: a name that answers something else a moment later
 * leads nowhere else. Of a name with an address that must not be reached, none is.
 */
export function createPinnedLookup(
  resolve: ResolveName,
  { mayReach }: Pick<ReachableAddresses, 'mayReach'>,
): LookupFunction {
  const addressesOf = async (name: string): Promise<readonly string[]> => {
    const addresses = await resolve(name).catch(() => {
      throw new Error(`${name} cannot be resolved`)
    })
    if (addresses.length === 0) throw new Error(`${name} has no address`)
    if (addresses.every(mayReach)) return addresses
    throw new Error(`${name} has an address that is not public`)
  }
  const tell = async (...[name, { all }, told]: Parameters<LookupFunction>): Promise<void> => {
    try {
      const addresses = await addressesOf(name)
      const found = addresses.map((address) => ({ address, family: familyOf(address) }))
      const [first] = found
      if (all === true) told(null, found)
      else told(null, first?.address ?? '', first?.family)
    } catch (error) {
      told(error instanceof Error ? error : new Error('no address'), '', 4)
    }
  }
  return (...asked) => void tell(...asked)
}

function familyOf(address: string): number {
  return address.includes(':') ? 6 : 4
}
