import type { Socket } from 'node:net'
import type { HoldsAddress } from '@portcullis/runtime'
import { createNetworkSet, findClient } from '@portcullis/runtime'
import type { Exchange } from '../exchange/exchange.ts'
import { readForwarded } from './forwarded.ts'
import type { HeaderField } from '../headers/fields.ts'
import { isHost } from './frame.ts'
import type { GatewaySettings } from '../settings/settings.ts'

/** Who sends a request, and how it was sent at first, as far as the gateway believes it. */
export interface RequestOrigin {
  readonly clientAddress: string
  readonly scheme: 'http' | 'https'
  readonly host: string
}

/** `host` is that of the Host header. */
export type ReadOrigin = (
  exchange: Pick<Exchange, 'request' | 'fields'>,
  host: string,
) => RequestOrigin

/**
 * A peer is believed nothing: it is the client, and what it says about others goes nowhere. Only a trusted proxy is
 * asked, in the one family of headers that the file names. Of each list the last entry was written by the
 * peer itself, and the client is the last that is no trusted proxy; what stands before it may be invented.
 *
 * Does NOT tell which host a route is found for: that is the Host header's, whoever has sent it.
 */
export function createOriginReader({
  trustedProxies,
  proxyHeaders,
}: Pick<GatewaySettings, 'trustedProxies' | 'proxyHeaders'>): ReadOrigin {
  const isTrusted = createNetworkSet(trustedProxies)
  const addresses = new WeakMap<Socket, string>()
  return ({ request: { socket }, fields }, host) => {
    const known = addresses.get(socket)
    if (known !== undefined) return { clientAddress: known, scheme: schemeOf(socket), host }
    if (isTrusted(socket.remoteAddress)) {
      const said = proxyHeaders === 'forwarded' ? saidByForwarded : saidByXForwarded
      const { clientAddress, scheme, host: first } = said(fields, socket.remoteAddress, isTrusted)
      return {
        clientAddress,
        scheme: schemes.find((name) => name === scheme?.toLowerCase()) ?? schemeOf(socket),
        host: first !== undefined && isHost.test(first) ? first : host,
      }
    }
    const { address } = findClient(socket.remoteAddress, [], isTrusted)
    // A peer that is not trusted has one address for all its requests.
    addresses.set(socket, address)
    return { clientAddress: address, scheme: schemeOf(socket), host }
  }
}

const schemes = ['http', 'https'] as const

interface Said {
  readonly clientAddress: string
  readonly scheme: string | undefined
  readonly host: string | undefined
}

type ReadSaid = (
  fields: readonly HeaderField[],
  peer: string | undefined,
  isTrusted: HoldsAddress,
) => Said

/** Scheme and host have no entry for each hop, so they are believed only where one thing is said. */
const saidByXForwarded: ReadSaid = (fields, peer, isTrusted) => {
  const valuesOf = (header: string): string[] =>
    fields
      .filter(({ name }) => name === header)
      .flatMap(({ value }) => value.split(',').map((entry) => entry.trim()))
  return {
    clientAddress: findClient(peer, valuesOf('x-forwarded-for'), isTrusted).address,
    scheme: only(valuesOf('x-forwarded-proto')),
    host: only(valuesOf('x-forwarded-host')),
  }
}

function only([value, ...others]: readonly string[]): string | undefined {
  return others.length === 0 ? value : undefined
}

/** RFC 7239: each element is of one proxy and of the request that this one got. */
const saidByForwarded: ReadSaid = (fields, peer, isTrusted) => {
  const elements = fields
    .filter(({ name }) => name === 'forwarded')
    .flatMap(({ value }) => readForwarded(value) ?? [new Map<string, string>()])
  const entries = elements.map((element) => element.get('for') ?? '')
  const { address, hops } = findClient(peer, entries, isTrusted)
  // Where an entry is no address, it was still written by the proxy that stands for the client.
  const first = elements.at(isTrusted(address) ? -1 - hops : -hops)
  return { clientAddress: address, scheme: first?.get('proto'), host: first?.get('host') }
}

function schemeOf(socket: Socket): 'http' | 'https' {
  return 'encrypted' in socket ? 'https' : 'http'
}
