import type { ClientCredential } from '../domain/clients.ts'

export type PresentedCredential =
  | { readonly kind: 'credential'; readonly credential: ClientCredential }
  | {
      readonly kind: 'refused'
      readonly error: 'invalid_client' | 'invalid_request'
      readonly why: string
    }

/**
 * Reads how a client presents itself at an OAuth endpoint: `client_secret_basic` or
 * `client_secret_post` (RFC 6749 section 2.3.1), never both in one request.
 */
export function readClientCredential(
  authorization: string | undefined,
  form: ReadonlyMap<string, string>,
): PresentedCredential {
  const clientId = form.get('client_id')
  const clientSecret = form.get('client_secret')
  if (authorization === undefined) {
    return clientId === undefined || clientSecret === undefined
      ? refused('invalid_client', 'the client must authenticate')
      : { kind: 'credential', credential: { clientId, clientSecret } }
  }
  if (clientSecret !== undefined) {
    return refused('invalid_request', 'the client authenticates in two ways at once')
  }
  const credential = parseBasic(authorization)
  // RFC 6749 section 5.2: whoever tries the Authorization header gets 401 and a challenge.
  if (credential === undefined) {
    return refused('invalid_client', 'the Authorization header holds no Basic credential')
  }
  if (clientId !== undefined && clientId !== credential.clientId) {
    return refused('invalid_request', 'client_id names another client than the credential')
  }
  return { kind: 'credential', credential }
}

/** RFC 7617, with id and secret form-encoded first as RFC 6749 section 2.3.1 says; without U+0000. */
function parseBasic(authorization: string): ClientCredential | undefined {
  const [, encoded] = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization) ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 1) return undefined
  const clientId = formDecode(text.slice(0, colon))
  const clientSecret = formDecode(text.slice(colon + 1))
  return clientId === undefined || clientSecret === undefined
    ? undefined
    : { clientId, clientSecret }
}

function formDecode(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', ' '))
    return decoded.includes('\0') ? undefined : decoded
  } catch {
    return undefined
  }
}

function refused(error: 'invalid_client' | 'invalid_request', why: string): PresentedCredential {
  return { kind: 'refused', error, why }
}
