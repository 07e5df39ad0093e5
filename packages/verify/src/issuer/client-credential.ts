import { Buffer } from 'node:buffer'
import type { JsonObject } from '@portcullis/protocol'
import { revocationsScope } from '@portcullis/protocol'
import type { IssuerDocuments } from './documents.ts'
import type { Fetch } from './http-json.ts'
import { requestJson } from './http-json.ts'

/** The credential by which a service is known to the issuer. */
export interface ClientCredential {
  readonly id: string
  readonly secret: string
}

export type RequestedToken =
  | { readonly kind: 'granted'; readonly token: string; readonly expiresInSeconds: number }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'unreachable'; readonly why: string }

/** RFC 6749 section 5.1 only recommends `expires_in`. */
const expiresInSecondsDefault = 300

/** Asks for a token that reads the feed: RFC 6749 section 4.4, with the issuer as its only audience. */
export async function requestFeedToken(
  client: ClientCredential,
  issuer: string,
  documents: IssuerDocuments,
  fetch: Fetch,
): Promise<RequestedToken> {
  const metadata = await documents.metadata()
  if (metadata.kind === 'failed') return unreachable(metadata.why)
  const url = metadata.tokenEndpoint
  if (url === undefined) return unreachable('the issuer names no token endpoint at its own origin')

  const form = { grant_type: 'client_credentials', scope: revocationsScope, audience: issuer }
  const answer = await requestJson(fetch, url, {
    method: 'POST',
    headers: {
      authorization: basicAuthorization(client),
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams(form).toString(),
  })
  if (answer.kind === 'failed') return unreachable(answer.why)
  const { status, body = {} } = answer
  if (status === 200 && typeof body['access_token'] === 'string') {
    return judgeGrant(body['access_token'], body)
  }
  // RFC 6749 section 5.2: a refusal is 400 or 401; anything else is trouble of another kind.
  return status === 400 || status === 401
    ? { kind: 'refused', why: `the token endpoint answered ${status} ${errorCodeOf(body)}` }
    : unreachable(`the token endpoint answered ${status}`)
}

/** RFC 6749 section 5.1: an issuer that grants less than was asked for says what it granted. */
function judgeGrant(token: string, body: JsonObject): RequestedToken {
  const { scope: granted, expires_in: seconds } = body
  if (granted !== undefined) {
    const scopes = typeof granted === 'string' ? granted.split(' ') : []
    if (!scopes.includes(revocationsScope)) {
      return { kind: 'refused', why: `it is not granted the scope ${revocationsScope}` }
    }
  }
  // The octets go into a header field (RFC 6750 section 2.1).
  if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(token)) {
    return unreachable('the token endpoint answered no bearer token')
  }
  const expiresInSeconds = typeof seconds === 'number' ? seconds : expiresInSecondsDefault
  return { kind: 'granted', token, expiresInSeconds }
}

function unreachable(why: string): RequestedToken {
  return { kind: 'unreachable', why }
}

/** RFC 6749 section 2.3.1: both halves are form-encoded before they are joined. */
function basicAuthorization({ id, secret }: ClientCredential): string {
  return `Basic ${Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString('base64')}`
}

function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice('='.length)
}

/** Only what the RFC lets an error code be made of, so that no answer can write into a log. */
function errorCodeOf(body: Readonly<Record<string, unknown>>): string {
  const code = body['error']
  return typeof code === 'string' && /^[a-z_]{1,64}$/.test(code) ? code : 'without an error code'
}
