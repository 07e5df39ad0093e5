import type { Server } from 'node:http'
import type { ServerHttp2Session, ServerSessionOptions } from 'node:http2'
import { performServerHandshake } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { Log } from '@portcullis/runtime'
import { systemErrorCode } from '@portcullis/runtime'
import { refusalParts, refuse } from '../exchange/refusal.ts'
import { keepConnection } from './connection.ts'
import { Http2Request } from './request.ts'
import { readRequestHead } from './request-head.ts'
import { Http2Response } from './response.ts'

export interface Http2Options {
  /** For the header of a request; RFC 9113 section 6.5.2 counts 32 more for each field. */
  readonly headerBytes: number
  readonly log: Log
  readonly begin: (request: Http2Request, response: Http2Response) => void
}

export interface Http2Sessions {
  /** Serves a connection whose client has chosen HTTP/2. */
  readonly take: (socket: TLSSocket) => void
  /** Every connection ends with the answers that are under way on it, and a new one with its first. */
  readonly end: () => void
}

/** Requests under way on one connection; a client learns it before its first. */
const streamsMax = 128
/** Fields and crumbs of cookies in one header; of fields alone, `limits.headerCount` tells. */
const headerPairsMax = 1024
/** For uploads on one connection together: the window of each is 64 KiB, and bounds what is kept of it. */
const connectionWindowBytes = 1024 * 1024

const leavingCodes: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE'])

/**
 * HTTP/2 on connections of the listener, whose times are kept here too. Every bound of HTTP/1.1 holds. What only
 * HTTP/2 can be flooded with is bounded by nghttp2 (CONTINUATION, header lists, settings and pings whose
 * acknowledgement is not read, streams that their client resets: CVE-2023-44487), and the rest by `keepConnection`.
 */
export function createHttp2Sessions(
  server: Server,
  { headerBytes, log, begin }: Http2Options,
): Http2Sessions {
  const sessions = new Set<ServerHttp2Session>()
  let isEnding = false
  const options: ServerSessionOptions = {
    maxHeaderListPairs: headerPairsMax,
    maxSessionInvalidFrames: 100,
    streamResetBurst: 200,
    streamResetRate: 33,
    // A service may send what it likes twice, as over HTTP/1.1.
    strictSingleValueFields: false,
    settings: {
      enablePush: false,
      enableConnectProtocol: false,
      maxConcurrentStreams: streamsMax,
      maxHeaderListSize: headerBytes,
    },
  }
  return {
    take: (socket) => {
      if (socket.destroyed) return
      const session = performServerHandshake(socket, options)
      sessions.add(session)
      socket.once('close', () => sessions.delete(session))
      session.once('connect', () => {
        if (!session.destroyed) session.setLocalWindowSize(connectionWindowBytes)
      })
      session.on('error', (error) => {
        const code = systemErrorCode(error) ?? 'unknown'
        // A client that has what it wanted may leave without a word.
        if (!leavingCodes.has(code)) log.info({ code }, 'a connection of HTTP/2 failed')
      })
      keepConnection({ session, socket, server, isEnding: () => isEnding }, (stream, received) => {
        const request = new Http2Request(stream, readRequestHead(received), socket)
        const response = new Http2Response(request, stream)
        response.allowSilence(server.timeout)
        if (!request.complete) endLateBody(request, response, server.requestTimeout)
        begin(request, response)
      })
    },
    end: () => {
      isEnding = true
      for (const session of sessions) session.close()
    },
  }
}

function endLateBody(request: Http2Request, response: Http2Response, ms: number): void {
  const timer = setTimeout(() => {
    if (!request.complete) response.giveUp(refusalParts(refuse('request-timeout')))
  }, ms)
  response.once('close', () => clearTimeout(timer))
}
