import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { staleWhileRevalidateSeconds } from '../domain/key-life.ts'

/** A cacheable JSON document with a strong validator (RFC 9110 section 8.8.3). */
export function sendDocument(
  request: FastifyRequest,
  reply: FastifyReply,
  document: object,
  maxAgeSeconds: number,
): FastifyReply {
  const { text, etag } = renderedOf(document)
  const staleSeconds = staleWhileRevalidateSeconds(maxAgeSeconds)
  reply.header(
    'cache-control',
    `public, max-age=${maxAgeSeconds}, stale-while-revalidate=${staleSeconds}`,
  )
  reply.header('etag', etag)
  // Public by its purpose: a page that is isolated by its own policy may load it too.
  reply.header('cross-origin-resource-policy', 'cross-origin')
  if (matchesEtag(request.headers['if-none-match'], etag)) return reply.code(304).send()
  return reply.type('application/json').send(text)
}

interface Rendered {
  readonly text: string
  readonly etag: string
}

/** Documents are immutable: a changed key set is another object, so each is rendered once. */
const rendered = new WeakMap<object, Rendered>()

function renderedOf(document: object): Rendered {
  const known = rendered.get(document)
  if (known !== undefined) return known
  const text = JSON.stringify(document)
  const etag = `"${createHash('sha256').update(text).digest('base64url')}"`
  rendered.set(document, { text, etag })
  return { text, etag }
}

/** RFC 9110 section 13.1.2: a list or `*`, compared weakly. */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  const candidates = ifNoneMatch.split(',').map((candidate) => candidate.trim())
  return candidates.some((candidate) => candidate === '*' || candidate.replace(/^W\//, '') === etag)
}
