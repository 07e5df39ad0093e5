import type { Server } from 'node:http'
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { constants } from 'node:http2'
import type { TLSSocket } from 'node:tls'

export interface Http2Connection {
  readonly session: ServerHttp2Session
  readonly socket: TLSSocket
  readonly server: Pick<Server, 'headersTimeout' | 'keepAliveTimeout'>
  /** The next request is the last one. */
  readonly isEnding: () => boolean
}

/** How long a client may take to close its side. */
const lingerMs = 2000

/**
 * Keeps one connection: begins what comes on it, and ends it when nothing has come for too long, or what is of no use.
 * Pings do not keep it open.
 */
export function keepConnection(
  { session, socket, server, isEnding }: Http2Connection,
  begin: (stream: ServerHttp2Stream, received: readonly string[]) => void,
): void {
  const hasPatience = createPatience()
  const spend = (): void => {
    if (!hasPatience()) session.destroy(new TooMuch(), constants.NGHTTP2_ENHANCE_YOUR_CALM)
  }
  let streams = 0
  let timer: NodeJS.Timeout | undefined
  const closeAfter = (ms: number): void => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      session.close()
      timer = setTimeout(() => socket.destroy(), lingerMs)
    }, ms)
  }
  session.on('stream', (stream, _headers, _flags, received) => {
    stream.on('error', ignore)
    // Reset before anybody has looked at it.
    if (stream.closed || stream.destroyed) return spend()
    if (isEnding()) session.close()
    streams += 1
    clearTimeout(timer)
    stream.once('close', () => {
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) spend()
      streams -= 1
      const isOver = session.closed || session.destroyed
      if (streams === 0) closeAfter(isOver ? 0 : server.keepAliveTimeout)
    })
    begin(stream, received)
  })
  // Node waits for the client to close its side, which it may never do.
  session.on('error', () => closeAfter(0))
  session.on('ping', spend)
  session.on('remoteSettings', spend)
  socket.once('close', () => clearTimeout(timer))
  closeAfter(server.headersTimeout)
}

/** What went wrong with a stream is told to its answer, by the close event. */
const ignore = (): void => undefined

class TooMuch extends Error {
  readonly code = 'ENHANCE_YOUR_CALM'
}

/** So many within one window: the pings of a busy connection are a few a second. */
const eventsMax = 1000
const windowMs = 10_000

/**
 * Counts what costs a client nothing and makes work here: pings and settings, whose acknowledgements it reads, and
 * requests that come to no answer, by its own reset or by a frame of its own that has them reset here (CVE-2025-8671).
 * False when it is too much.
 */
function createPatience(): () => boolean {
  let events = 0
  let sinceMs = -Infinity
  return () => {
    const nowMs = performance.now()
    if (nowMs - sinceMs >= windowMs) {
      sinceMs = nowMs
      events = 0
    }
    events += 1
    return events <= eventsMax
  }
}
