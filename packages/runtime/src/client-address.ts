import type { HoldsAddress } from './network-set.ts'
import { canonicalAddress, unknownNetwork } from './networks.ts'

export interface FoundClient {
  /** In its one spelling; `unknown` for a peer that has none. */
  readonly address: string
  /** How many entries of the list were believed, from its end. */
  readonly hops: number
}

/**
 * The peer of the connection; or, as long as that is a trusted proxy, whom it says that it got the request
 * from: each proxy appends its own peer, so the list is read from its end. An entry that is no address
 * ends that, and the proxy that wrote it stands for the client.
 */
export function findClient(
  peer: string | undefined,
  forwardedFor: readonly string[],
  isTrusted: HoldsAddress,
): FoundClient {
  let address = canonicalAddress(peer ?? '')
  if (address === undefined) return { address: unknownNetwork, hops: 0 }
  let hops = 0
  while (isTrusted(address)) {
    const entry = forwardedFor.at(-1 - hops)
    const before = entry === undefined ? undefined : canonicalAddress(withoutPort(entry.trim()))
    if (before === undefined) break
    address = before
    hops += 1
  }
  return { address, hops }
}

/** Some proxies write the port as well, and with it brackets around IPv6. */
function withoutPort(entry: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(entry) ?? []
  return bracketed ?? plain ?? entry
}
