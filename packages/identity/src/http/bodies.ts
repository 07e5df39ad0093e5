import { parseJsonObject } from '@portcullis/protocol'
import { holdsNul } from '@portcullis/runtime'
import type { FastifyInstance } from 'fastify'

/** A request that cannot be read. The message is shown to the caller and holds nothing of the request. */
export class MalformedRequestError extends Error {
  override readonly name = 'MalformedRequestError'
}

/** A JWK Set nests four levels with the lists of its keys, in a body; everything deeper is not ours. */
const depthMax = 5

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * JSON bodies: one object, UTF-8, no duplicate members, no U+0000 in a text, which PostgreSQL does not
 * take. Every other content type is refused with 415.
 */
export function acceptStrictJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (_request: unknown, body: Buffer) => {
      const parsed = parseJsonObject(decode(body), { depthMax })
      if (parsed.kind !== 'object') throw new MalformedRequestError(bodyFaults[parsed.why])
      if (holdsNul(parsed.value)) throw new MalformedRequestError(nulFault)
      return parsed.value
    },
  )
}

const nulFault = 'a text of the body holds U+0000'

const bodyFaults = {
  'not-json': 'the body is not JSON',
  'not-an-object': 'the body is not a JSON object',
  'huge-number': 'a number is too large to be read',
  'duplicate-member': 'the body has two members of the same name',
  'too-deep': 'the body is nested too deeply',
  'lone-surrogate': 'the body holds half of a surrogate pair',
}

/** What a form says, by the names of its parameters. */
export type Form = ReadonlyMap<string, string>

/** The body of a route that takes forms alone; empty when there was none. */
export function formOf(body: unknown): Form {
  return body instanceof Map ? (body as Form) : new Map()
}

/**
 * Form bodies (RFC 6749 appendix B). A parameter that comes twice is refused, as section 3.2 demands;
 * one without a value counts as left out. What is escaped must be UTF-8 as well: otherwise different
 * octets would be read as one password.
 */
export function acceptForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer' },
    async (_request: unknown, body: Buffer) => {
      const text = decode(body)
      if (!isWellEscaped(text))
        throw new MalformedRequestError('an escape in the body is not UTF-8')
      const parameters = new Map<string, string>()
      for (const [name, value] of new URLSearchParams(text)) {
        if (`${name}${value}`.includes('\0')) throw new MalformedRequestError(nulFault)
        if (parameters.has(name)) throw new MalformedRequestError('a parameter is there twice')
        if (value !== '') parameters.set(name, value)
      }
      return parameters
    },
  )
}

/** Whether every percent sign begins an escape, and all of them are UTF-8. */
export function isWellEscaped(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

function decode(body: Buffer): string {
  try {
    return utf8.decode(body)
  } catch {
    throw new MalformedRequestError('the body is not UTF-8')
  }
}
