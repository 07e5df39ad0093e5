import type { Server } from 'node:tls'
import type { Log } from './log.ts'
import { systemErrorCode } from './start-error.ts'

/** How often the log tells of one kind, in a flood of them too. */
const reminderMs = 10_000

/** What OpenSSL says of a client that speaks plain http. */
const plainHttp = 'ERR_SSL_HTTP_REQUEST'

/**
 * Has the log say why handshakes at a listener of TLS fail, of which nothing else is seen: plain http for everybody,
 * since somebody has a wrong address, and the rest, which comes from any network, for who looks closely.
 */
export function tellOfFailedHandshakes(
  server: Pick<Server, 'on'>,
  log: Log,
  now: () => number = () => performance.now(),
): void {
  const toldAt = new Map<boolean, number>()
  server.on('tlsClientError', (error) => {
    const code = systemErrorCode(error) ?? 'unknown'
    // The client has left, as those do that only look whether somebody listens.
    if (code === 'ECONNRESET') return
    const isPlain = code === plainHttp
    if (now() - (toldAt.get(isPlain) ?? -Infinity) < reminderMs) return
    toldAt.set(isPlain, now())
    if (isPlain) log.info({ code }, 'plain http came to the port of TLS: its address is https')
    else log.debug({ code }, 'a handshake of TLS has failed')
  })
}
