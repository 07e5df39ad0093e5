import type { TestIssuer } from '@portcullis/verify/testing'

/** What is known of a token that lets somebody in. */
export interface KnownToken {
  readonly subject: string
  readonly roles: readonly string[] | undefined
  readonly scope: string | undefined
  readonly session: string | undefined
}

/** By the names that the generator has for them; the texts are new whenever they are minted. */
export interface TokenBook {
  readonly textOf: (name: TokenName) => string
  /** Undefined for what lets nobody in. */
  readonly factsOf: (text: string) => KnownToken | undefined
}

export const tokenNames = [
  'customer',
  'admin',
  'clerk',
  'reader',
  'machine',
  'odd',
  'expired',
  'early',
  'forged',
  'foreign',
  'unsigned',
  'garbage',
] as const

export type TokenName = (typeof tokenNames)[number]

const session = 'AAAAAAAAAAAAAAAAAAAAAA'
const scope = 'orders:read orders:write'
const person = { sub: 'b1946ac92492d234', sid: session, scope }

/** Mints them: they live for a quarter of an hour. */
export function mintTokens(issuer: Pick<TestIssuer, 'mint' | 'forge' | 'now'>): TokenBook {
  const second = Math.floor(issuer.now() / 1000)
  const without = { sid: undefined, gen: undefined, auth_time: undefined, roles: undefined }
  const texts: Readonly<Record<TokenName, string>> = {
    customer: issuer.mint({ ...person, roles: ['customer'] }),
    admin: issuer.mint({ ...person, sub: 'a-manager', roles: ['clerk', 'admin'] }),
    clerk: issuer.mint({ ...person, sub: 'a-clerk', roles: ['clerk'] }),
    reader: issuer.mint({ ...person, sub: 'a-reader', roles: ['customer'], scope: 'orders:read' }),
    machine: issuer.mint({ ...without, sub: 'c07c2b0f6a1e', scope }),
    odd: issuer.mint({ ...person, sub: 'jürgen, 1', roles: ['a,admin', '100%', ' b '] }),
    expired: issuer.mint({ ...person, iat: second - 900, exp: second - 60 }),
    early: issuer.mint({ ...person, nbf: second + 600 }),
    forged: issuer.forge({ signature: 'stranger' }),
    foreign: issuer.mint({ ...person, aud: 'other' }),
    unsigned: issuer.forge({ header: { set: { alg: 'none' } }, token: '<header>.<payload>.' }),
    garbage: 'a.b.c',
  }
  const facts = (subject: string, roles: readonly string[] | undefined): KnownToken => ({
    subject,
    roles,
    scope,
    session,
  })
  const known = new Map<string, KnownToken>([
    [texts.customer, facts('b1946ac92492d234', ['customer'])],
    [texts.admin, facts('a-manager', ['clerk', 'admin'])],
    [texts.clerk, facts('a-clerk', ['clerk'])],
    [texts.reader, { ...facts('a-reader', ['customer']), scope: 'orders:read' }],
    [texts.machine, { ...facts('c07c2b0f6a1e', undefined), session: undefined }],
    [texts.odd, facts('jürgen, 1', ['a,admin', '100%', ' b '])],
  ])
  return { textOf: (name) => texts[name], factsOf: (text) => known.get(text) }
}
