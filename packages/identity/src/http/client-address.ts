import type { IncomingMessage } from 'node:http'
import { BlockList } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { canonicalAddress, parseNetwork, unknownNetwork } from '../domain/networks.ts'

/**
 * Lets `request.ip` be the address of the client in its one spelling. Not by Fastify's own `trustProxy`: that
 * also believes `X-Forwarded-Host` and `-Proto`, and takes any text for an address.
 */
export function tellClientAddresses(app: FastifyInstance, trustedProxies: readonly string[]): void {
  const proxies = blockListOf(trustedProxies)
  const isTrusted = (address: string): boolean =>
    proxies.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
  app.addHook('onRequest', async (request) => {
    Object.defineProperty(request, 'ip', { value: clientAddress(request.raw, isTrusted) })
  })
}

/**
 * The peer of the connection; or, as long as that is a trusted proxy, whom it says that it got the request
 * from: each proxy appends its own peer, so the list is read from its end. An entry that is no address
 * ends that, and the proxy that wrote it stands for the client.
 */
function clientAddress(
  { socket, headers }: IncomingMessage,
  isTrusted: (address: string) => boolean,
): string {
  let address = canonicalAddress(socket.remoteAddress ?? '')
  if (address === undefined) return unknownNetwork
  const forwarded = String(headers['x-forwarded-for'] ?? '').split(',')
  while (isTrusted(address)) {
    const entry = forwarded.pop()
    const before = entry === undefined ? undefined : canonicalAddress(withoutPort(entry.trim()))
    if (before === undefined) break
    address = before
  }
  return address
}

/** Some proxies write the port as well, and with it brackets around IPv6. */
function withoutPort(entry: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(entry) ?? []
  return bracketed ?? plain ?? entry
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const text of networks) {
    const parsed = parseNetwork(text)
    if (parsed.kind === 'malformed') throw new TypeError('a malformed network was let through')
    const { address, prefixBits, family } = parsed.network
    list.addSubnet(address, prefixBits, family)
  }
  return list
}
