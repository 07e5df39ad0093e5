import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { Revoked, TokenRecipe } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'
import { answerQuestions } from './worker.ts'

export type IssuerQuestion =
  | { readonly kind: 'address' }
  | { readonly kind: 'mint'; readonly count: number }
  | { readonly kind: 'forge'; readonly recipes: readonly TokenRecipe[] }
  /** Takes back so many things that no token of ours has to do with. */
  | { readonly kind: 'revoke'; readonly count: number }
  /** Takes the session of a token back. */
  | { readonly kind: 'revoke-session'; readonly sid: string }
  /** Goes on taking something back every so often; 0 stops it. */
  | { readonly kind: 'revoke-on'; readonly everyMs: number }

export interface IssuerAnswer {
  readonly issuer: string
  readonly tokens: readonly string[]
  readonly position: RevocationPosition | undefined
}

/** What a token of ours weighs, whatever its algorithm: `scope` fills up what the signature leaves. */
const tokenBytes = 750
const lifetimeSeconds = 3_600

const { positionals } = parseArgs({ allowPositionals: true })
const algorithm = (positionals[0] ?? 'RS256') as AlgorithmName
// Checkpoints come every second, as from a real issuer.
const issuer = await createTestIssuer({ algorithm, feed: { checkpointMs: 1_000 } })
const scope = fillingScope()
let timer: NodeJS.Timeout | undefined
let position: RevocationPosition | undefined
let revoked = 0

answerQuestions((asked): IssuerAnswer => {
  const question = asked as IssuerQuestion
  let tokens: readonly string[] = []
  switch (question.kind) {
    case 'address':
      break
    case 'mint':
      tokens = Array.from({ length: question.count }, () => mint(scope))
      break
    case 'forge':
      tokens = question.recipes.map((recipe) => issuer.forge(recipe))
      break
    case 'revoke':
      for (let left = question.count; left > 0; left -= 1) revokeNext()
      break
    case 'revoke-session':
      position = issuer.revoke({ sid: question.sid })
      break
    case 'revoke-on':
      clearInterval(timer)
      if (question.everyMs > 0) timer = setInterval(revokeNext, question.everyMs)
      break
  }
  return { issuer: issuer.issuer, tokens, position }
})

function mint(filling: string): string {
  const iat = Math.floor(issuer.now() / 1000)
  return issuer.mint({
    sub: newId(8),
    sid: newId(16),
    iat,
    exp: iat + lifetimeSeconds,
    auth_time: undefined,
    roles: undefined,
    scope: filling,
  })
}

function fillingScope(): string {
  const names = 'orders:read orders:write '.repeat(40)
  for (let length = 1; length < names.length; length += 1) {
    const filling = names.slice(0, length)
    if (!filling.endsWith(' ') && mint(filling).length >= tokenBytes) return filling
  }
  throw new Error(`no scope makes a token of ${tokenBytes} bytes`)
}

/** Kinds in about the shares that an issuer sees: mostly sessions end. */
function revokeNext(): void {
  revoked += 1
  position = issuer.revoke(strangerOf(revoked % 10))
}

function strangerOf(share: number): Revoked {
  if (share === 0) return { clientId: newId(8), floor: 1 }
  if (share === 1) return { sub: newId(8), floor: 1 }
  return share < 4 ? { jti: newId(16) } : { sid: newId(16) }
}

function newId(bytes: number): string {
  return randomBytes(bytes).toString('base64url')
}
