import { parseCompactJws } from '@portcullis/protocol/jws'
import { adaptToTrap } from '../attacks/adapted-recipe.ts'
import type { Attack, AttackRequest } from '../attacks/attack.ts'
import { readCorpus } from '../attacks/corpus.ts'
import type { TokenAttacks } from '../attacks/token-attacks.ts'
import { createTokenAttacks } from '../attacks/token-attacks.ts'
import type { WeaknessId } from '../attacks/weaknesses.ts'
import { weaknessNamed } from '../attacks/weaknesses.ts'
import { DoctorError } from '../doctor-error.ts'
import type { GivenTokens } from '../examine-options.ts'
import { attackerKeyFrom } from './attacker-key.ts'
import { createGivenForge } from './given-forge.ts'
import type { TokenSource } from './token-source.ts'
import { startTrap } from './trap.ts'
import type { Trap } from './trap.ts'

/** A valid token of the operator's own issuer, and what anybody can make of it without its key. */
export async function createGivenSource(
  given: GivenTokens,
): Promise<{ readonly source: TokenSource; readonly trap: Trap }> {
  const token = given.token.trim()
  const jws = parseCompactJws(token)
  if (jws.kind === 'malformed') {
    const remedy = 'Give the access token alone; opaque and encrypted tokens cannot be altered.'
    throw new DoctorError('usage', 'what was given is not a signed JWT in compact form', remedy)
  }
  const { algorithm, forge } = createGivenForge(jws, token, given.keySet)
  const trap = await startTrap(given.host ?? '127.0.0.1', () => [attackerKeyFrom(forge)])
  const plain = (): AttackRequest => bearerRequest(token)
  const making = { forge, adapt: adaptToTrap.bind(undefined, trap.origin) }
  const { takeBack } = given
  const source: TokenSource = {
    mode: 'given-token',
    plain,
    attacks: () => {
      const made = createTokenAttacks({ ...making, corpus: readCorpus(), algorithm, plain })
      return withGiven(made, given, plain)
    },
    waitSeconds: 0,
    takeBack: () =>
      takeBack === undefined
        ? { why: 'nothing was said about how to take the token back' }
        : { request: plain(), revoke: takeBack, isPromised: false },
    close: async () => undefined,
  }
  return { source, trap }
}

function bearerRequest(token: string): AttackRequest {
  return { token, headers: [['authorization', `Bearer ${token}`]] }
}

/** What only the issuer can make, where the operator has it. */
const givenKinds: readonly (readonly [
  'expired' | 'revoked' | 'otherAudience',
  string,
  WeaknessId,
  string,
])[] = [
  ['expired', 'an expired token of the issuer', 'expired', 'RFC 7519 4.1.4'],
  ['revoked', 'a token that the issuer has taken back', 'revocation', 'RFC 7009'],
  ['otherAudience', 'a token of the issuer for another service', 'audience', 'RFC 9068 4'],
]

function withGiven(
  { attacks, unmade }: TokenAttacks,
  given: GivenTokens,
  plain: () => AttackRequest,
): TokenAttacks {
  const own = givenKinds.flatMap(([kind, forges, weakness, reference]): Attack[] => {
    const token = given[kind]?.trim()
    if (token === undefined) return []
    const { severity } = weaknessNamed(weakness)
    const request = (): AttackRequest => bearerRequest(token)
    const shared = { references: [reference], weakness, severity, twin: plain, twinName: '{}' }
    return [{ id: `given-${kind}`, forges, request, ...shared }]
  })
  return { attacks: [...own, ...attacks], unmade }
}
