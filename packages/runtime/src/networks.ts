/**
 * Addresses and networks of clients, each in its one spelling, so that nobody is a stranger again in
 * another one. No name is looked up here.
 */

/** Addresses whose first `prefixBits` bits are the same. */
export interface Network {
  readonly address: string
  readonly prefixBits: number
  readonly family: 'ipv4' | 'ipv6'
}

export type ParsedNetwork =
  | { readonly kind: 'network'; readonly network: Network }
  | { readonly kind: 'malformed'; readonly why: string }

/** What `networkOf` answers for what is no address. */
export const unknownNetwork = 'unknown'

/**
 * What a client cannot leave by itself: its IPv4 address, or the /64 of its IPv6 address, in which it may
 * take 2⁶⁴ addresses as it likes (RFC 6177). Everything that is no address is one network, so that whoever
 * hides shares one bound with all who hide. Does NOT look into translations other than
 * `::ffff:0:0/96`: clients behind one NAT, of whatever kind, are one network.
 */
export function networkOf(address: string): string {
  const canonical = canonicalAddress(address)
  if (canonical === undefined) return unknownNetwork
  if (!isIpv6(canonical)) return canonical
  const prefix = groupsOf(canonical).slice(0, prefixGroups).join(':')
  return `${canonicalIpv6(`${prefix}::`)}/64`
}

/** A /64 has four groups of sixteen bits. */
const prefixGroups = 4

/**
 * An address in its one spelling: IPv4 as four decimal numbers, IPv6 as RFC 5952 has it, without a zone,
 * and an IPv4-mapped address as IPv4. Undefined for everything else, among it the octal, hexadecimal
 * and shortened forms that some parsers take for IPv4.
 */
export function canonicalAddress(text: string): string | undefined {
  if (isIpv4(text)) return text
  // RFC 4007 section 11: a zone means something on one machine only.
  const [unzoned = ''] = text.split('%', 1)
  if (!/^[\da-f:.]+$/i.test(unzoned) || !isIpv6(unzoned)) return undefined
  const canonical = canonicalIpv6(unzoned)
  return canonical === undefined ? undefined : (mappedIpv4(canonical) ?? canonical)
}

/** A network in CIDR notation, or one address. One that holds every address is refused. */
export function parseNetwork(text: string): ParsedNetwork {
  const [given = '', bits, ...rest] = text.split('/')
  const address = canonicalAddress(given)
  if (address === undefined || given.includes('%') || rest.length > 0) {
    return malformed('is not a network such as 10.0.0.0/8 or fd00::/8')
  }
  if (isIpv6(given) !== isIpv6(address)) return malformed('must be written as IPv4')
  const bitsMax = isIpv6(address) ? 128 : 32
  const prefixBits = bits === undefined ? bitsMax : Number(bits)
  if (!/^\d{1,3}$/.test(bits ?? '1') || prefixBits > bitsMax) {
    return malformed(`must have a prefix of 1 to ${bitsMax} bits`)
  }
  if (prefixBits === 0) return malformed('holds every address')
  const family = isIpv6(address) ? 'ipv6' : 'ipv4'
  return { kind: 'network', network: { address, prefixBits, family } }
}

function malformed(why: string): ParsedNetwork {
  return { kind: 'malformed', why }
}

function isIpv6(text: string): boolean {
  return text.includes(':')
}

function isIpv4(text: string): boolean {
  const numbers = text.split('.')
  return numbers.length === 4 && numbers.every((number) => octet.test(number))
}

/** Without leading zeros, which some read as octal. */
const octet = /^(?:0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])$/

/** By the URL parser, which every platform has, and which spells a host as RFC 5952 does. */
function canonicalIpv6(text: string): string | undefined {
  return URL.parse(`http://[${text}]`)?.hostname.slice(1, -1)
}

/** RFC 4291 section 2.5.5.2. */
function mappedIpv4(canonical: string): string | undefined {
  const [, high, low] = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(canonical) ?? []
  if (high === undefined || low === undefined) return undefined
  const numbers = [high, low].map((group) => Number.parseInt(group, 16))
  return numbers.flatMap((number) => [number >> 8, number & 0xff]).join('.')
}

/** The eight groups of a canonical IPv6 address. */
function groupsOf(canonical: string): readonly string[] {
  const [head = '', tail = ''] = canonical.split('::')
  const [left, right] = [head, tail].map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - (left?.length ?? 0) - (right?.length ?? 0)
  return [...(left ?? []), ...Array.from({ length: missing }, () => '0'), ...(right ?? [])]
}
