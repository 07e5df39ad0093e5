import { BlockList } from 'node:net'
import { canonicalAddress, parseNetwork } from './networks.ts'

/** True for an address, in whatever spelling, that lies in one of some networks. */
export type HoldsAddress = (address: string | undefined) => boolean

/** The networks as `parseNetwork` takes them; one that is malformed is a TypeError. */
export function createNetworkSet(networks: readonly string[]): HoldsAddress {
  // A `BlockList` takes every IPv4 address for one of IPv6 as well, so each family has its own.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const text of networks) {
    const parsed = parseNetwork(text)
    if (parsed.kind === 'malformed') throw new TypeError('a malformed network was let through')
    const { address, prefixBits, family } = parsed.network
    lists[family].addSubnet(address, prefixBits, family)
  }
  return (text) => {
    const address = canonicalAddress(text ?? '')
    if (address === undefined) return false
    const family = address.includes(':') ? 'ipv6' : 'ipv4'
    return lists[family].check(address, family)
  }
}
