import { createNetworkSet, findClient } from '@portcullis/runtime'
import type { FastifyInstance } from 'fastify'

/**
 * Lets `request.ip` be the address of the client in its one spelling. Not by Fastify's own `trustProxy`: that
 * also believes `X-Forwarded-Host` and `-Proto`, and takes any text for an address.
 */
export function tellClientAddresses(app: FastifyInstance, trustedProxies: readonly string[]): void {
  const isTrusted = createNetworkSet(trustedProxies)
  app.addHook('onRequest', async (request) => {
    const { socket, headers } = request.raw
    const forwardedFor = String(headers['x-forwarded-for'] ?? '').split(',')
    const { address } = findClient(socket.remoteAddress, forwardedFor, isTrusted)
    Object.defineProperty(request, 'ip', { value: address })
  })
}
