import assert from 'node:assert/strict'
import type { ProofKey } from '@portcullis/verify/testing'
import { createProofKey } from '@portcullis/verify/testing'
import type { Answer } from './http-client.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice } from './running-identity.ts'
import type { Tokens } from './signed-in.ts'
import { tokensOf } from './signed-in.ts'

type ProofRequest = Parameters<ProofKey['prove']>[0]
export type ProofRecipe = Parameters<ProofKey['prove']>[1]

/** A client with a key of its own, which proves at every request that it holds it. */
export interface KeyHolder {
  readonly key: ProofKey
  /** The value of a DPoP header for a route such as `POST /token`; with a recipe, a wrong one. */
  readonly prove: (
    route: string,
    more?: Partial<ProofRequest> & { readonly recipe?: ProofRecipe | undefined },
  ) => string
  readonly login: (more?: object, proof?: string) => Promise<Answer>
  readonly signIn: (more?: object) => Promise<Tokens>
  readonly refresh: (
    refreshToken: string,
    more?: Readonly<Record<string, string>>,
    proof?: string,
  ) => Promise<Answer>
  /** A request with a bound access token. */
  readonly call: (route: string, token: string, body?: object, proof?: string) => Promise<Answer>
}

export function createKeyHolder(identity: RunningIdentity): KeyHolder {
  const key = createProofKey({ now: identity.clock.now })
  const prove: KeyHolder['prove'] = (route, { recipe, ...more } = {}) => {
    const [method = '', path = ''] = route.split(' ')
    return key.prove({ method, url: `${identity.issuer}${path}`, ...more }, recipe)
  }
  const login: KeyHolder['login'] = (more = {}, proof = prove('POST /login')) => {
    const { identifier, password } = alice
    return askJson(identity, 'POST /login', { dpop: proof }, { identifier, password, ...more })
  }
  return {
    key,
    prove,
    login,
    signIn: async (more) => {
      const answer = await login(more)
      assert.equal(answer.members()['token_type'], 'DPoP', answer.body)
      return tokensOf(answer)
    },
    refresh: (refreshToken, more = {}, proof = prove('POST /token')) =>
      identity.token(
        { grant_type: 'refresh_token', refresh_token: refreshToken, ...more },
        { dpop: proof },
      ),
    call: (route, token, body, proof = prove(route, { accessToken: token })) =>
      askJson(identity, route, { authorization: `DPoP ${token}`, dpop: proof }, body),
  }
}

/** A request with these header fields and, where there is one, a JSON body. */
export function askJson(
  identity: RunningIdentity,
  route: string,
  headers: Readonly<Record<string, string>>,
  body?: object,
): Promise<Answer> {
  const [method = '', path = ''] = route.split(' ')
  if (body === undefined) return identity.ask({ method, path, headers })
  const text = JSON.stringify(body)
  const length = { 'content-length': String(Buffer.byteLength(text)) }
  const type = { 'content-type': 'application/json' }
  return identity.ask({ method, path, headers: { ...headers, ...type, ...length }, body: text })
}

export async function countUsedProofs(identity: RunningIdentity): Promise<number> {
  return (await identity.query('SELECT key FROM used_proofs')).length
}

/** What `POST /token` refused with. */
export function assertOAuthError(answer: Answer, error: string, description?: RegExp): void {
  assert.deepEqual([answer.status, answer.members()['error']], [400, error], answer.body)
  if (description !== undefined) {
    assert.match(String(answer.members()['error_description']), description)
  }
}
