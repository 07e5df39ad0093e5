import { METHODS } from 'node:http'
import type { AskedRequest } from '../admission/admission.ts'
import type { HeaderField } from '../headers/fields.ts'
import { aliasOf } from '../headers/names.ts'
import type { Refusal } from '../exchange/refusal.ts'
import { refuse } from '../exchange/refusal.ts'
import type { Frame } from '../request/frame.ts'
import { isHost } from '../request/frame.ts'
import type { Dialect } from './dialects.ts'

/** What the proxy's own request says. */
export interface Question {
  readonly method: string
  readonly target: string
  readonly fields: readonly HeaderField[]
  readonly frame: Frame
}

/**
 * Reads from a proxy's question which request it asks about: method, target and host each from the
 * one place that its dialect has for them. A header that is missing, empty, there twice, or there
 * under a second name that some parser takes for the first, makes no request: the proxy may have
 * written one and the client the other.
 */
export function readAsked(
  dialect: Dialect,
  path: string,
  { method, target, fields, frame }: Question,
): AskedRequest | Refusal {
  const { authorizations, host: ownHost } = frame
  if (dialect.kind === 'request-line') {
    if (!target.startsWith(`${path}/`)) return refuse('not-found')
    const asked = target.slice(path.length)
    return {
      kind: 'asked',
      method,
      host: ownHost,
      target: asked,
      authorizations,
      forwardedBy: 'proxy',
    }
  }
  // Caddy leaves the query of the request behind our path; the one that counts is in the header.
  const [askedPath] = target.split('?', 1)
  if (askedPath !== path) return refuse('not-found')
  const askedMethod = onlyValue(fields, dialect.method)
  const askedTarget = onlyValue(fields, dialect.target)
  const host = dialect.host === undefined ? ownHost : onlyValue(fields, dialect.host)
  const names = [dialect.method, dialect.target, dialect.host ?? 'Host'].join(', ')
  if (askedMethod === undefined || askedTarget === undefined || host === undefined) {
    return refuse('malformed', `the proxy must send each of these once: ${names}`)
  }
  if (!methods.has(askedMethod)) return refuse('malformed', `${dialect.method} is no method`)
  if (!isHost.test(host)) return refuse('malformed', 'the host is none')
  return {
    kind: 'asked',
    method: askedMethod,
    host,
    target: askedTarget,
    authorizations,
    forwardedBy: 'proxy',
  }
}

/** Those that can come to the gateway itself: it is told to the log and counted, as theirs are. */
const methods: ReadonlySet<string> = new Set(METHODS)

function onlyValue(fields: readonly HeaderField[], header: string): string | undefined {
  const alias = aliasOf(header)
  const [field, ...others] = fields.filter(({ name }) => aliasOf(name) === alias)
  const isThere = field?.name === header.toLowerCase() && others.length === 0
  return isThere && field.value !== '' ? field.value : undefined
}
