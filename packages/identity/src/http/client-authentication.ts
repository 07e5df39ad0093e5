import type { FastifyRequest } from 'fastify'
import type {
  ClientAuthenticationParts,
  ClientCredential,
} from '../domain/client-authentication.ts'
import { authenticateClient } from '../domain/client-authentication.ts'
import type { Client } from '../domain/clients.ts'
import type { Form } from './bodies.ts'

interface RefusedClient {
  readonly kind: 'refused'
  readonly error: 'invalid_client' | 'invalid_request'
  /** Left out where nothing was wrong with the form: whose client it is not is nobody's business. */
  readonly why?: string
  readonly facts: typeof facts
}

/** What the log says of every client that was refused. */
const facts = { outcome: 'bad-client' } as const

/** What a request says about its client; `none` is a public one, or one that forgot to authenticate itself. */
type PresentedClient =
  | { readonly kind: 'credential'; readonly credential: ClientCredential }
  | { readonly kind: 'none'; readonly clientId: string | undefined }
  | RefusedClient

export type AuthenticatedClient =
  { readonly kind: 'client'; readonly client: Client } | RefusedClient

/**
 * How every OAuth endpoint finds out which client asks. `none` also takes public clients, which have nothing but
 * a name (RFC 8414 section 2 calls that method so).
 */
export async function authenticateCaller(
  parts: ClientAuthenticationParts,
  request: FastifyRequest,
  form: Form,
  without: 'none' | 'nobody' = 'nobody',
): Promise<AuthenticatedClient> {
  const shown = await authenticateShown(parts, request.headers.authorization, form)
  if (shown.kind !== 'none') return shown
  if (without === 'none' && shown.clientId !== undefined) {
    const client = await parts.clients.find(shown.clientId)
    if (client?.isPublic === true) return { kind: 'client', client }
  }
  return refused('invalid_client', 'the client must authenticate')
}

/** What a request shows is checked, whatever it asks for. Who shows nothing is `none`. */
export async function authenticateShown(
  parts: ClientAuthenticationParts,
  authorization: string | undefined,
  form: Form,
): Promise<AuthenticatedClient | Extract<PresentedClient, { readonly kind: 'none' }>> {
  const presented = readClientCredential(authorization, form)
  if (presented.kind !== 'credential') return presented
  const client = await authenticateClient(parts, presented.credential)
  return client === undefined
    ? { kind: 'refused', error: 'invalid_client', facts }
    : { kind: 'client', client }
}

/** The names of RFC 8414 section 2 for what is read here. */
export const clientAuthenticationMethods = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
] as const

/** RFC 7523 section 2.2. */
export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/**
 * Reads how a client presents itself: `client_secret_basic` or `client_secret_post` (RFC 6749 section 2.3.1) or
 * `private_key_jwt` (RFC 7523 section 2.2), never two of them in one request.
 */
export function readClientCredential(
  authorization: string | undefined,
  form: Form,
): PresentedClient {
  const ways = [authorization, form.get('client_secret'), form.get('client_assertion')]
  if (ways.filter((way) => way !== undefined).length > 1) {
    return refused('invalid_request', 'the client authenticates in two ways at once')
  }
  if (form.has('client_assertion') || form.has('client_assertion_type')) return readAssertion(form)
  return authorization === undefined ? readSecret(form) : readBasic(authorization, form)
}

function readAssertion(form: Form): PresentedClient {
  const assertion = form.get('client_assertion')
  if (assertion === undefined || form.get('client_assertion_type') !== assertionType) {
    return refused(
      'invalid_request',
      `client_assertion needs a client_assertion_type: ${assertionType}`,
    )
  }
  return { kind: 'credential', credential: { assertion, clientId: form.get('client_id') } }
}

function readSecret(form: Form): PresentedClient {
  const clientId = form.get('client_id')
  const clientSecret = form.get('client_secret')
  if (clientSecret === undefined) return { kind: 'none', clientId }
  return clientId === undefined
    ? refused('invalid_client', 'client_secret needs a client_id')
    : { kind: 'credential', credential: { clientId, clientSecret } }
}

function readBasic(authorization: string, form: Form): PresentedClient {
  const clientId = form.get('client_id')
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
function parseBasic(
  authorization: string,
): { readonly clientId: string; readonly clientSecret: string } | undefined {
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

function refused(error: RefusedClient['error'], why: string): RefusedClient {
  return { kind: 'refused', error, why, facts }
}
