import { Buffer } from 'node:buffer'
import type { TestIssuer } from '@portcullis/verify/testing'
import type { Chance } from '../crash/chance.ts'

/** A token, and what the verifier must say: `accepted`, or the reason of the refusal. */
export interface SentToken {
  readonly kind: string
  readonly token: string
  readonly fate: string
}

/** Makes the tokens that a public address gets: few are good, most are cheap for whoever sends them. */
export interface TokenSource {
  readonly next: () => SentToken
  /** A good token that nobody has seen. */
  readonly unseen: () => SentToken
  /** The session whose tokens count as revoked; the caller revokes it. */
  readonly revokedSession: string
}

type Make = () => SentToken

const poolSize = 200

export function createTokenSource(issuer: TestIssuer, chance: Chance): TokenSource {
  const revokedSession = 'revoked-session'
  const good = pool(() => issuer.mint())
  const twins = pool(() => issuer.forge({ signature: 'ecdsa-twin' }))
  const strangers = pool(() => issuer.forge({ signature: 'stranger' }))
  const expired = pool(() => issuer.mint({ iat: 1_000_000_000, exp: 1_000_000_900 }))
  const revoked = pool(() => issuer.mint({ sid: revokedSession }))
  const others = pool(() => issuer.mint({ aud: 'reviews' }))

  const kindsOfTokens: readonly [Make, ...Make[]] = [
    () => ({ kind: 'good, seen before', token: chance.pick(good), fate: 'accepted' }),
    () => ({ kind: 'good, other spelling', token: chance.pick(twins), fate: 'accepted' }),
    () => ({ kind: 'good, not seen before', token: issuer.mint(), fate: 'accepted' }),
    () => ({ kind: 'by a stranger', token: chance.pick(strangers), fate: 'bad-signature' }),
    () => ({ kind: 'expired', token: chance.pick(expired), fate: 'expired' }),
    () => ({ kind: 'revoked', token: chance.pick(revoked), fate: 'revoked' }),
    () => ({ kind: 'for others', token: chance.pick(others), fate: 'wrong-audience' }),
    () => ({
      kind: 'another signature each time',
      token: otherSignature(chance.pick(good), chance),
      fate: 'bad-signature',
    }),
    () => ({ kind: 'a new kid', token: otherKid(chance.pick(good), chance), fate: 'unknown-key' }),
    () => ({
      kind: 'another header each time',
      token: otherHeader(chance.pick(good), chance),
      fate: 'wrong-type',
    }),
    () => ({ kind: 'rubbish', token: rubbish(chance), fate: 'malformed' }),
    () => ({ kind: 'huge', token: huge(chance), fate: 'malformed' }),
  ]
  return {
    next: () => chance.pick(kindsOfTokens)(),
    unseen: () => ({ kind: 'to fill caches', token: issuer.mint(), fate: 'accepted' }),
    revokedSession,
  }
}

function pool(make: () => string): readonly [string, ...string[]] {
  return [make(), ...Array.from({ length: poolSize - 1 }, make)]
}

const integerMax = 2 ** 31

/** In the middle, where no character is the last of its part. */
function otherSignature(token: string, chance: Chance): string {
  const noise = encoded(String(chance.integer(0, integerMax)).padStart(12, '0'))
  return token.slice(0, -40) + noise + token.slice(-40 + noise.length)
}

function otherKid(token: string, chance: Chance): string {
  return withHeader(token, {
    alg: 'ES256',
    typ: 'at+jwt',
    kid: `k${chance.integer(0, integerMax)}`,
  })
}

function otherHeader(token: string, chance: Chance): string {
  return withHeader(token, { alg: 'none', typ: `t${chance.integer(0, integerMax)}` })
}

function withHeader(token: string, header: object): string {
  return encoded(JSON.stringify(header)) + token.slice(token.indexOf('.'))
}

function rubbish(chance: Chance): string {
  const parts = Array.from({ length: chance.integer(1, 6) }, () =>
    encoded(`{"${chance.integer(0, integerMax)}":[`),
  )
  return parts.join('.')
}

function huge(chance: Chance): string {
  const length = chance.integer(9_000, 40_000)
  return `${chance.integer(0, integerMax)}.${'A'.repeat(length)}.A`
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64url')
}
