import { createHash } from 'node:crypto'
import { issuerMetadataUrl } from '@portcullis/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { staleWhileRevalidateSeconds } from '../domain/key-life.ts'
import type { Keyring } from '../domain/keyring.ts'
import type { Registry } from '../domain/registry.ts'
import { issuerAudience } from '../domain/registry.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { supportedGrantTypes } from './token.ts'
import type { HttpServer } from './server.ts'

export interface DocumentParts {
  readonly registry: Registry
  readonly keyring: Pick<Keyring, 'publicJwks' | 'publicFeedJwks'>
  readonly jwksMaxAgeSeconds: number
}

/**
 * The public documents: the key set (RFC 7517), that of the revocation feed, which is apart so that
 * neither kind of key verifies what the other has signed, and the issuer's metadata (RFC 8414).
 */
export function addDocuments(app: HttpServer, parts: DocumentParts): void {
  const { registry, keyring, jwksMaxAgeSeconds } = parts
  const metadata = metadataOf(registry)
  const add = (path: string, documentOf: () => object): void => {
    app.get(path, { config: { requestHeaders: ['if-none-match'] } }, (request, reply) =>
      sendDocument(request, reply, documentOf(), jwksMaxAgeSeconds),
    )
  }
  add(pathAtIssuer(registry.issuer, '/.well-known/jwks.json'), keyring.publicJwks)
  add(pathAtIssuer(registry.issuer, '/.well-known/revocation-keys.json'), keyring.publicFeedJwks)
  add(new URL(issuerMetadataUrl(registry.issuer)).pathname, () => metadata)
}

/** It names exactly what exists: a client that finds it here can use it. */
function metadataOf(registry: Registry): object {
  const { issuer } = registry
  const scopes = [...registry.audiences.values(), issuerAudience].flatMap(
    (audience) => audience.scopes,
  )
  return {
    issuer,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    revocation_feed: {
      snapshot: `${issuer}/revocations/snapshot`,
      stream: `${issuer}/revocations/stream`,
      keys: `${issuer}/.well-known/revocation-keys.json`,
    },
    grant_types_supported: supportedGrantTypes,
    // Required by RFC 8414 section 2, and empty without an authorization endpoint.
    response_types_supported: [],
    scopes_supported: [...new Set(scopes)],
    // `none`: public clients refresh without a secret.
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
  }
}

/** A cacheable JSON document with a strong validator (RFC 9110 section 8.8.3). */
function sendDocument(
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
  if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send()
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
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  const candidates = ifNoneMatch.split(',').map((candidate) => candidate.trim())
  return candidates.some((candidate) => candidate === '*' || candidate.replace(/^W\//, '') === etag)
}
