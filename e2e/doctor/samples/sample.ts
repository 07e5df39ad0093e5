import { createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Trust } from '@portcullis/doctor'

/** A service that trusts an issuer, in its own way. */
export type Sample = (trust: Trust) => RequestListener | Promise<RequestListener>

export interface RunningSample {
  readonly url: string
  readonly trust: (trust: Trust) => void
  /** When it is ready to verify. */
  readonly ready: Promise<void>
  readonly close: () => Promise<void>
}

/** Listens, and answers 503 until it is told whom to trust. */
export async function startSample(sample: Sample): Promise<RunningSample> {
  let listener = notReady
  const server = createServer((request, response) => listener(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const ready = Promise.withResolvers<void>()
  const begin = async (trust: Trust): Promise<void> => {
    listener = await sample(trust)
    ready.resolve()
  }
  return {
    url: `http://127.0.0.1:${port}/orders`,
    ready: ready.promise,
    trust: (trust) => {
      void begin(trust)
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const notReady: RequestListener = (_request, response) => {
  response.writeHead(503).end()
}

/** Whether the token is accepted; throws or answers false when it is not. */
export type Check = (token: string) => boolean | Promise<boolean>

/** A plain service around a check, with refusals as they should be. */
export function serviceFor(
  check: Check,
  refuse: Refuse = refuseProperly,
  headers: Readonly<Record<string, string>> = { 'cache-control': 'no-store' },
): RequestListener {
  return (request, response) => {
    answer(request, response, { check, refuse, headers }).catch(() => response.writeHead(500).end())
  }
}

export type Refuse = (response: ServerResponse, error: unknown, token: string | undefined) => void

interface Service {
  readonly check: Check
  readonly refuse: Refuse
  readonly headers: Readonly<Record<string, string>>
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { check, refuse, headers }: Service,
): Promise<void> {
  const token = bearerOf(request)
  if (token === undefined) return refuse(response, undefined, token)
  try {
    if (!(await check(token))) throw new Error('not accepted')
  } catch (error) {
    return refuse(response, error, token)
  }
  response.writeHead(200, { 'content-type': 'application/json', ...headers })
  response.end('{"orders":[]}')
}

export function bearerOf({ headers }: IncomingMessage): string | undefined {
  return /^Bearer ([^ ]+)$/i.exec(headers.authorization ?? '')?.[1]
}

export const refuseProperly: Refuse = (response, _error, token) => {
  const challenge = token === undefined ? 'Bearer' : 'Bearer error="invalid_token"'
  response.writeHead(401, { 'www-authenticate': challenge }).end()
}

/** The first key of a key set as PEM. */
export function pemFrom(keySet: unknown): string {
  const { keys } = keySet as { readonly keys: readonly Record<string, string>[] }
  const key = createPublicKey({ key: keys[0] ?? {}, format: 'jwk' })
  return key.export({ type: 'spki', format: 'pem' })
}

/** The public key of the issuer, as people paste it into settings. */
export async function pemOf({ publicKeyPem }: Trust): Promise<string> {
  return (await fetch(publicKeyPem)).text()
}
