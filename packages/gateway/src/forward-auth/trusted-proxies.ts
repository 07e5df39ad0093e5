import { BlockList, isIP } from 'node:net'

/** True for the address of a peer that is one of the proxies. */
export type IsTrusted = (address: string | undefined) => boolean

export type ParsedNetwork =
  | {
      readonly kind: 'network'
      readonly address: string
      readonly prefixBits: number
      readonly family: 'ipv4' | 'ipv6'
    }
  | { readonly kind: 'malformed'; readonly why: string }

/** Reads an address, or a network in CIDR notation. One that holds every address is refused. */
export function parseNetwork(text: string): ParsedNetwork {
  const [address = '', bits, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || address.includes('%') || rest.length > 0) {
    return malformed('is not a network such as 10.0.0.0/8 or fd00::/8')
  }
  const bitsMax = version === 4 ? 32 : 128
  const prefixBits = bits === undefined ? bitsMax : Number(bits)
  if (!/^\d{1,3}$/.test(bits ?? '1') || prefixBits > bitsMax) {
    return malformed(`must have a prefix of 1 to ${bitsMax} bits`)
  }
  if (prefixBits === 0) return malformed('holds every address')
  return { kind: 'network', address, prefixBits, family: version === 4 ? 'ipv4' : 'ipv6' }
}

/** An IPv4 client of a listener for both families is known by its IPv4 network. */
export function createTrustedProxies(networks: readonly string[]): IsTrusted {
  const list = new BlockList()
  for (const text of networks) {
    const parsed = parseNetwork(text)
    if (parsed.kind === 'malformed') throw new TypeError('a malformed network was let through')
    list.addSubnet(parsed.address, parsed.prefixBits, parsed.family)
  }
  return (address) => {
    const version = isIP(address ?? '')
    return version !== 0 && list.check(address ?? '', version === 4 ? 'ipv4' : 'ipv6')
  }
}

function malformed(why: string): ParsedNetwork {
  return { kind: 'malformed', why }
}
