import { createRemoteJWKSet, jwtVerify } from 'jose'
import type { Answered, AskOnce } from './http-load.ts'
import { connectTo, formOf } from './http-load.ts'
import type { ServedAlgorithm } from './identity-server.ts'
import type { ServerProcess } from './server-process.ts'

/** Whose refresh tokens these are, and how one tells that a successor is one. */
export interface RefreshDialect {
  readonly jwksPath: string
  readonly audience: string
  readonly isSuccessor: (next: string, before: string) => boolean
}

export const ourRefresh: Omit<RefreshDialect, 'audience'> = {
  jwksPath: '/.well-known/jwks.json',
  // The same session, and its counter went up by one: an answer that is repeated keeps the counter.
  isSuccessor: (next, before) => {
    const [, session, counter] = next.split('.')
    const [, sessionBefore, counterBefore] = before.split('.')
    return session === sessionBefore && Number(counter) === Number(counterBefore) + 1
  },
}

/**
 * Every session in turn, so that none is refreshed twice within the grace window, in which identity
 * repeats its answer. Keeps the successors, and throws when one is none.
 */
export function refreshInTurn(tokens: readonly string[], { isSuccessor }: RefreshDialect): AskOnce {
  const current = [...tokens]
  let next = 0
  let lastAccessToken = ''
  return async (ask) => {
    const at = next % current.length
    next += 1
    const before = current[at] ?? ''
    const answered = await ask(refreshRequest(before))
    const { access, refresh } = tokensOf(answered)
    if (!isSuccessor(refresh, before)) throw new Error('a refresh was answered and not rotated')
    if (access === lastAccessToken) throw new Error('an access token was answered twice')
    lastAccessToken = access
    current[at] = refresh
  }
}

function refreshRequest(token: string): ReturnType<typeof formOf> & { readonly path: string } {
  const members = { grant_type: 'refresh_token', refresh_token: token, client_id: 'web' }
  return { path: '/token', ...formOf(members) }
}

function tokensOf({ status, members }: Answered): {
  readonly access: string
  readonly refresh: string
} {
  const { access_token: access, refresh_token: refresh, error } = members
  if (status !== 200) throw new Error(`a refresh was refused: ${status} ${String(error)}`)
  if (typeof access !== 'string' || typeof refresh !== 'string') throw new Error('a token lacks')
  return { access, refresh }
}

/** One refresh whose access token is verified as a service would: algorithm, type, issuer, audience. */
export async function provesItself(
  server: ServerProcess,
  issuer: string,
  algorithm: ServedAlgorithm,
  dialect: RefreshDialect,
  token: string,
): Promise<string> {
  const { ask, close } = connectTo(server, 1)
  const { access, refresh } = tokensOf(await ask(refreshRequest(token)))
  close()
  if (!dialect.isSuccessor(refresh, token)) throw new Error('the first refresh did not rotate')
  const keys = createRemoteJWKSet(new URL(`${server.origin}${dialect.jwksPath}`))
  await jwtVerify(access, keys, {
    issuer,
    audience: dialect.audience,
    algorithms: [algorithm],
    typ: 'at+jwt',
  })
  return access
}
