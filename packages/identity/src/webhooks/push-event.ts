import type { IncomingMessage } from 'node:http'
import { Agent as PlainAgent, request as plainRequest } from 'node:http'
import { Agent, request } from 'node:https'
import type { PushAnswer, PushEvent } from '../domain/event-pushes.ts'
import { pushMsMax } from '../domain/event-pushes.ts'
import type { OpenedSeal } from '../domain/sealing.ts'
import type { ResolveName } from './pinned-lookup.ts'
import { createPinnedLookup } from './pinned-lookup.ts'
import type { ReachableAddresses } from './reachable-addresses.ts'

export interface PushingParts {
  readonly addresses: ReachableAddresses
  readonly resolve: ResolveName
  readonly open: (sealed: string, streamId: string) => OpenedSeal
  /** Ends what is under way. */
  readonly signal: AbortSignal
  /** Default: `pushMsMax`. */
  readonly timeoutMs?: number
  /** Those that certificates are judged by; default: those of Node. */
  readonly ca?: string
}

/** What is read of an answer: an error of RFC 8935 is two short texts. */
const answerBytesMax = 4096
/** Of what somebody else says, so much is kept. */
const whyCharactersMax = 200

/**
 * Delivers a token to the address of its stream (RFC 8935 section 2). Follows no redirect, goes only where it may,
 * keeps no connection, and reads no more of an answer than an error needs.
 */
export function createPushEvent(parts: PushingParts): PushEvent {
  const { addresses, resolve, open, timeoutMs = pushMsMax, ca } = parts
  const lookup = createPinnedLookup(resolve, addresses)
  const agents = {
    'https:': new Agent({ keepAlive: false, lookup, minVersion: 'TLSv1.2', ...(ca && { ca }) }),
    'http:': new PlainAgent({ keepAlive: false, lookup }),
  }
  return async ({ id, delivery }, token) => {
    if (delivery.method !== 'push') return unreachable('the stream is not pushed')
    const { endpointUrl, sealedAuthorization } = delivery
    const fault = addresses.endpointFault(endpointUrl)
    if (fault !== undefined) return unreachable(`the address ${fault}`)
    const sealed = sealedAuthorization === undefined ? undefined : open(sealedAuthorization, id)
    if (sealed !== undefined && sealed.kind !== 'opened') {
      return unreachable('its credential cannot be opened with the sealing key')
    }
    const url = new URL(endpointUrl)
    const ending = createEnding(parts.signal, timeoutMs)
    const isPlain = url.protocol === 'http:'
    const options = {
      method: 'POST',
      agent: agents[isPlain ? 'http:' : 'https:'],
      signal: ending.signal,
      headers: {
        'content-type': 'application/secevent+jwt',
        'content-length': Buffer.byteLength(token),
        accept: 'application/json',
        ...(sealed && { authorization: sealed.plaintext }),
      },
    }
    try {
      const answer = await new Promise<IncomingMessage>((answered, failed) => {
        const asked = isPlain ? plainRequest(url, options) : request(url, options)
        asked.once('response', answered).once('error', failed)
        // Somebody who switches protocols is cut, and then there is neither of the two.
        asked.once('close', () => failed(new Error('it gave no answer'))).end(token)
      })
      return await judge(answer)
    } catch (error) {
      return unreachable(ending.isTooLong() ? 'it did not answer in time' : reasonOf(error))
    } finally {
      ending.stop()
    }
  }
}

/** Ends one push by its time or with the node, and leaves nothing behind at the signal of the node. */
function createEnding(
  node: AbortSignal,
  timeoutMs: number,
): { readonly signal: AbortSignal; readonly isTooLong: () => boolean; readonly stop: () => void } {
  const ending = new AbortController()
  let isTooLong = false
  const end = (): void => ending.abort()
  const timer = setTimeout(() => {
    isTooLong = true
    end()
  }, timeoutMs)
  node.addEventListener('abort', end)
  if (node.aborted) end()
  return {
    signal: ending.signal,
    isTooLong: () => isTooLong,
    stop: () => {
      clearTimeout(timer)
      node.removeEventListener('abort', end)
    },
  }
}

function unreachable(why: string): PushAnswer {
  return { kind: 'unreachable', why: why.slice(0, whyCharactersMax) }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it failed'
  return error.message === '' ? error.name : error.message
}

/** There is nobody behind a proxy that says so, or he has no time. */
const nobodyThere = new Set([429, 502, 503, 504])

async function judge(answer: IncomingMessage): Promise<PushAnswer> {
  const { statusCode = 0, headers } = answer
  if (statusCode >= 200 && statusCode < 300) {
    answer.destroy()
    return { kind: 'taken' }
  }
  if (nobodyThere.has(statusCode)) {
    answer.destroy()
    const seconds = Number(headers['retry-after'])
    const retryAfterMs = seconds > 0 ? seconds * 1000 : undefined
    return { kind: 'unreachable', why: `it answered ${statusCode}`, retryAfterMs }
  }
  const { err, description } = errorIn(await readBounded(answer))
  const said = err === undefined ? '' : `: ${err} ${description ?? ''}`.trimEnd()
  return {
    kind: 'refused',
    why: `it answered ${statusCode}${said}`.slice(0, whyCharactersMax),
    isFinal: statusCode === 400 && err !== undefined && finalErrors.has(err),
  }
}

/** RFC 8935 section 2.4: the same token will not fit later. Keys and credentials may. */
const finalErrors = new Set(['invalid_request', 'invalid_issuer', 'invalid_audience'])

async function readBounded(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= answerBytesMax) break
  }
  answer.destroy()
  return Buffer.concat(chunks).subarray(0, answerBytesMax).toString('utf8')
}

function errorIn(text: string): { readonly err?: string; readonly description?: string } {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null) return {}
    const { err, description } = parsed as Readonly<Record<string, unknown>>
    return {
      ...(typeof err === 'string' && { err: printable(err) }),
      ...(typeof description === 'string' && { description: printable(description) }),
    }
  } catch {
    return {}
  }
}

/** It comes before people, and into a database that takes no U+0000. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?')
}
