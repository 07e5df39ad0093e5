import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { Agent, request as requestPlain } from 'node:http'
import { Agent as SecureAgent, request as requestSecure } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AttackRequest } from '../attacks/attack.ts'
import type { Target } from './target.ts'

export interface Answer {
  readonly kind: 'answer'
  readonly status: number
  /** Every field as it came, names in lower case. */
  readonly headers: readonly (readonly [string, string])[]
  /** The beginning of it. */
  readonly body: string
  readonly ms: number
}

export interface Silence {
  readonly kind: 'silence'
  readonly why: 'too-late' | 'cut' | 'unreachable' | 'unsendable'
}

export interface SenderOptions {
  readonly target: Target
  /** What is sent with a method that has one. */
  readonly body?: { readonly text: string; readonly contentType: string } | undefined
  readonly requestsMax: number
  readonly requestsPerSecondMax: number
  readonly answerMsMax: number
}

/** Sends to the target and nowhere else: one request after the other, paced, counted, each with a time limit. */
export interface Sender {
  readonly send: (request: AttackRequest) => Promise<Answer | Silence>
  readonly sent: () => number
  /** What may still be sent. */
  readonly left: () => number
  readonly close: () => void
}

const bodyBytesMax = 64 * 1024

export function createSender(options: SenderOptions): Sender {
  const { target, requestsMax, requestsPerSecondMax } = options
  const agent = target.isSecure
    ? new SecureAgent({ keepAlive: true, maxSockets: 1 })
    : new Agent({ keepAlive: true, maxSockets: 1 })
  let sent = 0
  let nextAt = 0

  async function send(request: AttackRequest): Promise<Answer | Silence> {
    if (sent >= requestsMax) throw new Error('more requests than were allowed')
    sent += 1
    const waitMs = nextAt - performance.now()
    if (waitMs > 0) await sleep(waitMs)
    nextAt = performance.now() + 1000 / requestsPerSecondMax
    return exchange(options, agent, request)
  }

  return {
    // A connection that was kept may be closed by the other side just then.
    send: async (request) => {
      const first = await send(request)
      return first.kind === 'silence' && first.why === 'cut' ? send(request) : first
    },
    sent: () => sent,
    left: () => requestsMax - sent,
    close: () => agent.destroy(),
  }
}

async function exchange(
  options: SenderOptions,
  agent: Agent | SecureAgent,
  request: AttackRequest,
): Promise<Answer | Silence> {
  const startedAt = performance.now()
  const signal = AbortSignal.timeout(options.answerMsMax)
  try {
    const asked = start(options, agent, request, signal)
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    const body = await beginningOf(response)
    const ms = performance.now() - startedAt
    return {
      kind: 'answer',
      status: response.statusCode ?? 0,
      headers: fieldsOf(response),
      body,
      ms,
    }
  } catch (error) {
    return { kind: 'silence', why: signal.aborted ? 'too-late' : whyOf(error) }
  }
}

function start(
  { target, body }: SenderOptions,
  agent: Agent | SecureAgent,
  { headers, method = target.method, path = target.path }: AttackRequest,
  signal: AbortSignal,
): ClientRequest {
  const hasBody = body !== undefined && method === target.method
  const content = hasBody
    ? ['content-type', body.contentType, 'content-length', String(Buffer.byteLength(body.text))]
    : []
  const open = target.isSecure ? requestSecure : requestPlain
  const asked = open({
    agent,
    host: target.hostname,
    port: target.port,
    method,
    path,
    // A flat list goes out line by line as it stands; an object would join values of one name.
    headers: ['host', target.host, 'accept', '*/*', ...content, ...headers.flat()],
    signal,
  })
  asked.end(hasBody ? body.text : undefined)
  return asked
}

async function beginningOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= bodyBytesMax) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

function fieldsOf({ rawHeaders }: IncomingMessage): Answer['headers'] {
  return rawHeaders.flatMap((name, at) =>
    at % 2 === 0 ? [[name.toLowerCase(), rawHeaders[at + 1] ?? ''] as const] : [],
  )
}

const unreachableCodes: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
])

function whyOf(error: unknown): Silence['why'] {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (unreachableCodes.has(code)) return 'unreachable'
  return code === 'ERR_INVALID_CHAR' || code === 'ERR_UNESCAPED_CHARACTERS' ? 'unsendable' : 'cut'
}
