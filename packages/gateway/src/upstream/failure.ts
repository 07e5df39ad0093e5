import { systemErrorCode } from '@portcullis/runtime'
import type { Refusal } from '../exchange/refusal.ts'
import { refuse } from '../exchange/refusal.ts'
import type { TrialEnd } from './health.ts'

export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge'
}

export class ClientLeft extends Error {
  override readonly name = 'ClientLeft'
}

/** False where the client has ended what was under way. */
export function isOfUpstream(error: Error): boolean {
  return !(error instanceof BodyTooLarge) && !(error instanceof ClientLeft)
}

export function codeOf(error: Error): string {
  return systemErrorCode(error) ?? error.name
}

/** What the network says of a connection that ends. */
const breaks: ReadonlySet<string> = new Set([
  'ECONNABORTED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_SOCKET',
])

/** What this machine has run out of, or what undici refuses to send, is no fault of the service. */
const ownFaults: ReadonlySet<string> = new Set([
  'EADDRNOTAVAIL',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
])

/**
 * What an error before the headers says about a service. Until the request is written, everything but our own
 * faults means that there is no connection, the wrong certificate among it; afterwards only a connection that ends.
 */
export function trialEndOf(error: Error, wasWritten: boolean): TrialEnd {
  if (!isOfUpstream(error)) return 'unknown'
  const code = codeOf(error)
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return 'silent'
  if (breaks.has(code) || code === 'UND_ERR_CONNECT_TIMEOUT') return 'broken'
  if (wasWritten || ownFaults.has(code) || code.startsWith('UND_ERR')) return 'unknown'
  return 'broken'
}

const timeouts: ReadonlySet<string> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
])

export function refusalOf(error: Error): Refusal {
  if (error instanceof BodyTooLarge) return refuse('too-large')
  return refuse(timeouts.has(codeOf(error)) ? 'upstream-timeout' : 'upstream-unreachable')
}
