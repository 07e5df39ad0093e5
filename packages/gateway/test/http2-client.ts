import type { Buffer } from 'node:buffer'
import { once } from 'node:events'
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import { connect } from 'node:http2'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { certificateOf } from './tls-files.ts'

/** A client of HTTP/2 that behaves. */
export async function openHttp2(
  t: TestContext,
  { port }: { readonly port: number },
): Promise<ClientHttp2Session> {
  const session = connect(`https://localhost:${port}`, { ca: certificateOf('authority') })
  session.on('error', () => session.destroy())
  await once(session, 'connect')
  t.after(() => session.destroy())
  return session
}

export interface Http2Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Http2Question {
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly token?: string
  readonly body?: string | Buffer
}

/** Rejects when the answer is cut. */
export async function askOver(
  session: ClientHttp2Session,
  { headers = {}, token, body }: Http2Question = {},
): Promise<Http2Answer> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const stream = session.request({ ':path': '/orders', ...authorization, ...headers })
  stream.end(body)
  return answerOf(stream)
}

export async function answerOf(stream: ClientHttp2Stream): Promise<Http2Answer> {
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  return { status: Number(headers[':status']), headers, body: await text(stream) }
}
