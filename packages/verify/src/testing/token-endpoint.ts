import { Buffer } from 'node:buffer'
import { revocationsScope } from '@portcullis/protocol'

export interface TokenAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** The token endpoint of the testing issuer, for `client_credentials`. */
export interface TokenEndpoint {
  readonly issue: (authorization: string, form: URLSearchParams) => TokenAnswer
  /** True for a token that it has issued for the revocation feed. */
  readonly mayReadFeed: (authorization: string) => boolean
}

export interface TokenEndpointOptions {
  readonly issuer: string
  /** Undefined lets every client in. */
  readonly clients: Readonly<Record<string, string>> | undefined
  readonly mint: (claims: Readonly<Record<string, unknown>>) => string
}

/** RFC 6749 section 4.4, with the client's credential as section 2.3.1 spells it. */
export function createTokenEndpoint({
  issuer,
  clients,
  mint,
}: TokenEndpointOptions): TokenEndpoint {
  const feedTokens = new Set<string>()

  return {
    issue: (authorization, form) => {
      if (form.get('grant_type') !== 'client_credentials') {
        return { status: 400, body: { error: 'unsupported_grant_type' } }
      }
      const [id = '', secret = ''] = credentialOf(authorization)
      const isKnown =
        clients === undefined || (Object.hasOwn(clients, id) && clients[id] === secret)
      if (id === '' || !isKnown) return { status: 401, body: { error: 'invalid_client' } }

      const scope = form.get('scope') ?? ''
      const aud = form.get('audience') ?? 'orders'
      const personal = { sid: undefined, gen: undefined, auth_time: undefined, roles: undefined }
      const accessToken = mint({ ...personal, aud, sub: id, client_id: id, scope })
      if (aud === issuer && scope === revocationsScope) feedTokens.add(accessToken)
      const body = { access_token: accessToken, token_type: 'Bearer', expires_in: 900, scope }
      return { status: 200, body }
    },
    mayReadFeed: (authorization) => feedTokens.has(authorization.replace(/^Bearer /, '')),
  }
}

function credentialOf(authorization: string): readonly string[] {
  const credential = Buffer.from(authorization.replace(/^Basic /i, ''), 'base64').toString()
  return credential.split(':').map((part) => decodeURIComponent(part.replaceAll('+', ' ')))
}
