import { BlockList, isIP } from 'node:net'
import { canonicalAddress, parseNetwork } from '@portcullis/runtime/networks'

/** Where events may be pushed to. Whoever names an address must not make identity ask what only it can reach. */
export interface ReachableAddresses {
  readonly mayReach: (address: string) => boolean
  /** What is wrong with a URL by itself; what its name resolves to is asked at each delivery. */
  readonly endpointFault: (url: string) => string | undefined
}

/**
 * What is not on the public Internet: the special-purpose addresses of IANA (RFC 6890) and multicast, and those of IPv6
 * that hold one of IPv4, because a translator would lead there.
 */
const notPublic: readonly (readonly [address: string, prefixBits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
  // Everything outside of global unicast, which is 2000::/3.
  ['::', 3],
  ['4000::', 2],
  ['8000::', 1],
  // Teredo, ORCHID and their like, documentation, 6to4.
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

const loopback: readonly (readonly [address: string, prefixBits: number])[] = [
  ['127.0.0.0', 8],
  ['::1', 128],
]

/** `networks`: those that an operator has named, beside the public Internet. */
export function createReachableAddresses(networks: readonly string[]): ReachableAddresses {
  const closed = listOf(notPublic)
  const local = listOf(loopback)
  const open = listOf(networks.map(namedNetwork))
  const mayReach = (text: string): boolean => {
    const address = canonicalAddress(text)
    return address !== undefined && (holds(open, address) || !holds(closed, address))
  }
  return {
    mayReach,
    endpointFault: (text) => {
      const url = URL.parse(text)
      if (url === null) return 'is not a URL'
      if (url.username !== '' || url.password !== '') {
        return 'must hold no user info: say authorization_header'
      }
      if (url.hash !== '') return 'must have no fragment'
      const address = url.hostname === 'localhost' ? '127.0.0.1' : addressIn(url)
      if (address !== undefined && !mayReach(address)) return 'is at an address that is not public'
      if (url.protocol === 'https:') return undefined
      const isLocal = address !== undefined && holds(local, address)
      return url.protocol === 'http:' && isLocal ? undefined : 'must be https'
    },
  }
}

/** An address that stands in the URL itself: no name is resolved then, and nobody would look at it again. */
function addressIn({ hostname }: URL): string | undefined {
  const unbracketed = hostname.replace(/^\[(.*)\]$/, '$1')
  return isIP(unbracketed) === 0 ? undefined : canonicalAddress(unbracketed)
}

function namedNetwork(text: string): readonly [address: string, prefixBits: number] {
  const parsed = parseNetwork(text)
  if (parsed.kind === 'malformed') throw new TypeError('a malformed network was let through')
  return [parsed.network.address, parsed.network.prefixBits]
}

/** A `BlockList` takes every IPv4 address for one of IPv6 as well, so each family has its own. */
type Addresses = Readonly<Record<'ipv4' | 'ipv6', BlockList>>

function listOf(networks: typeof notPublic): Addresses {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const [address, bits] of networks) {
    const family = familyOf(address)
    lists[family].addSubnet(address, bits, family)
  }
  return lists
}

function holds(lists: Addresses, address: string): boolean {
  const family = familyOf(address)
  return lists[family].check(address, family)
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4'
}
