import { Buffer } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import type { Scene } from './scene.ts'
import type { Span } from './spans.ts'

export interface Question {
  readonly method: string
  readonly path: string
  /** Name, value, name, value … */
  readonly headers: readonly string[]
  readonly body?: Buffer
  /** The body goes in pieces, without a length said before. */
  readonly isChunked?: boolean
  /** How long is waited after each piece of the answer. */
  readonly pauseMs?: number
}

export interface Answered extends Span {
  readonly kind: 'answered'
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** The connection ended before the answer did. */
export interface Broken extends Span {
  readonly kind: 'broken'
  readonly why: string
}

const patienceMs = 30_000
const pieceBytes = 16 * 1024

export async function ask(scene: Scene, question: Question): Promise<Answered | Broken> {
  const fromMs = Date.now()
  try {
    const response = await send(scene, question)
    const pieces: Buffer[] = []
    for await (const piece of response as AsyncIterable<Buffer>) {
      pieces.push(piece)
      if (question.pauseMs !== undefined) await setTimeout(question.pauseMs)
    }
    const { statusCode: status = 0, headers } = response
    const body = Buffer.concat(pieces)
    return { kind: 'answered', fromMs, untilMs: Date.now(), status, headers, body }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { kind: 'broken', fromMs, untilMs: Date.now(), why }
  }
}

function send({ port, agent }: Scene, question: Question): Promise<IncomingMessage> {
  const { method, path, headers, body, isChunked = false } = question
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const length = body === undefined || isChunked ? [] : ['Content-Length', String(body.length)]
  const framing = isChunked ? ['Transfer-Encoding', 'chunked'] : length
  const sent = request(
    {
      host: '127.0.0.1',
      port,
      method,
      path,
      agent,
      headers: ['Host', 'shop.example', ...framing, ...headers],
    },
    resolve,
  )
  sent.on('error', reject)
  sent.setTimeout(patienceMs, () => sent.destroy(new Error('no answer in time')))
  if (body !== undefined && isChunked) {
    for (let at = 0; at < body.length; at += pieceBytes)
      sent.write(body.subarray(at, at + pieceBytes))
    sent.end()
  } else {
    sent.end(body)
  }
  return promise
}
