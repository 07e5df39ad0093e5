import type { SignatureName, Vector } from '@portcullis/verify/testing'
import type { Severity } from '../report/severity.ts'
import type { WeaknessId } from './weaknesses.ts'
import { weaknessNamed } from './weaknesses.ts'

export interface Classified {
  readonly weakness: WeaknessId
  readonly severity: Severity
}

/**
 * What it means that a service accepts an entry of the corpus. The first row counts whose text the id begins with.
 *
 * What anybody can make is critical. What the issuer makes for another purpose (another service, another time,
 * another kind of token) is high or medium. What only an issuer could make that goes wrong is a note.
 * A row without a weakness is left out: it holds a limit of our verifier's that other services set elsewhere.
 */
const rows: readonly (readonly [string, (WeaknessId | undefined)?, Severity?])[] = [
  ['OK-'],
  ['V01-', 'unsigned'],
  ['V02-none-signed', 'algorithm-name'],
  ['V02-', 'unsigned'],
  ['V03-', 'algorithm-name'],
  ['V04-', 'algorithm-name'],
  ['V05-', 'algorithm-name'],
  ['V06-signature-missing', 'unsigned'],
  ['V06-unsigned-unknown-kid', 'unsigned'],
  ['V06-', 'forged-signature'],
  ['V07-parts-one', 'unsigned'],
  ['V07-parts-two', 'unsigned'],
  ['V07-', 'token-structure'],
  ['V08-', 'limits'],
  ['V09-', 'unsigned'],
  ['V10-', 'token-structure'],
  ['V11-', 'encoding'],
  ['V12-', 'encoding'],
  ['V13-', 'encoding'],
  ['V14-', 'encoding'],
  ['V15-', 'encoding'],
  ['V16-flattened-unprotected', 'unsigned'],
  ['V16-', 'token-structure'],
  ['V18-', 'limits'],
  ['V19-', 'json'],
  ['V2', 'json'],
  ['V30-', 'algorithm-confusion'],
  ['V31-', 'algorithm-confusion'],
  ['V32-', 'algorithm-confusion'],
  ['V33-', 'algorithm-confusion'],
  ['V34-es-with', 'forged-signature'],
  ['V34-ed-with', 'forged-signature'],
  ['V34-eddsa-with-es', 'forged-signature'],
  ['V34-', 'algorithm-name'],
  ['V35-', 'key-from-token'],
  ['V36-', 'key-from-token'],
  ['V37-', 'key-from-token'],
  ['V38-kid-forged', 'key-from-token'],
  ['V38-', 'key-id'],
  ['V45-', 'forged-signature'],
  ['V47-', 'signature-encoding'],
  ['V48-large-s', 'signature-encoding'],
  ['V48-', 'forged-signature'],
  ['V49-', 'token-structure'],
  ['V50-', 'crit'],
  ['V51-', 'crit', 'low'],
  ['V52-', 'extensions'],
  ['V53-', 'extensions'],
  ['V54-jwe-three-parts', 'algorithm-name'],
  ['V54-jwe-pbes2-three-parts', 'algorithm-name'],
  ['V54-', 'encrypted'],
  ['V55-typ-array', 'token-type', 'info'],
  ['V55-', 'token-type'],
  ['V56-', 'json'],
  ['V57-exp-missing', 'no-expiry'],
  ['V57-exp-hour', 'expired'],
  // A leeway of a minute is long, and others have it.
  ['V57-exp-past', 'expired', 'info'],
  ['V57-exp-on-leeway'],
  ['V57-exp-second-past-leeway'],
  ['V58-nbf-ten-minutes', 'not-yet-valid'],
  ['V58-nbf-future', 'not-yet-valid', 'info'],
  ['V58-nbf-second-past-leeway'],
  ['V59-iat-second-past-leeway'],
  ['V59-lifetime'],
  ['V60-', 'issuer'],
  ['V61-aud-object', 'claim-shapes'],
  ['V61-aud-nested', 'claim-shapes'],
  ['V61-aud-mixed', 'claim-shapes'],
  ['V61-aud-list-null', 'claim-shapes'],
  ['V61-aud-list-empty-text', 'claim-shapes'],
  ['V61-aud-list-nested', 'claim-shapes'],
  ['V61-aud-many', 'claim-shapes'],
  ['V61-aud-33', 'claim-shapes'],
  ['V61-', 'audience'],
  ['V62-', 'claim-shapes'],
  ['V63-', 'issuer'],
  ['V64-refresh-token', 'unsigned'],
  ['V64-id-token-typed', 'claim-shapes'],
  ['V64-dpop-proof-typed', 'claim-shapes'],
  ['V64-client-assertion-typed', 'issuer'],
  ['V64-', 'token-type'],
  ['V65-', 'claim-shapes'],
  ['V66-', 'claim-shapes'],
  // RFC 9449 section 7.2: who knows nothing of bound tokens takes them as any other. Worse where DPoP is offered.
  ['V67-cnf-jkt', 'bound-token', 'info'],
  ['V67-cnf-x5t', 'bound-token', 'info'],
  ['V67-', 'claim-shapes'],
  ['V57-', 'claim-shapes'],
  ['V58-', 'claim-shapes'],
  ['V59-', 'claim-shapes'],
  ['V80-', 'key-from-token'],
  ['V91-iss', 'issuer'],
  ['V91-', 'audience'],
  ['V92-', 'key-id'],
  ['V93-missing', 'no-token'],
  ['V93-empty', 'no-token'],
  ['V93-scheme-only', 'no-token'],
  ['V93-basic', 'no-token'],
  ['V93-digest', 'no-token'],
  ['V93-', 'authorization-header'],
  ['V100-', 'forged-signature'],
]

/** Undefined for what a service of others need not refuse. */
export function classify({ id, recipe }: Pick<Vector, 'id' | 'recipe'>): Classified | undefined {
  const [, named, severity] = rowOf(id)
  if (named === undefined) return undefined
  const isForged = isMadeByAnybody(recipe.signature)
  const weakness = isForged && weaknessNamed(named).severity !== 'critical' ? forgery : named
  return {
    weakness,
    severity: (weakness === named && severity) || weaknessNamed(weakness).severity,
  }
}

const forgery = 'forged-signature'

/** A new kind of attack must not go out without somebody having said what it means. */
function rowOf(id: string): (typeof rows)[number] {
  const row = rows.find(([beginning]) => id.startsWith(beginning))
  if (row === undefined) throw new TypeError(`nobody has said what it means to accept ${id}`)
  return row
}

const needsNoKey: ReadonlySet<SignatureName> = new Set<SignatureName>([
  'empty',
  'stranger',
  'stranger-ES256',
  'stranger-EdDSA',
  'flipped-bit',
  'zeros',
  'ones',
  'r-is-zero',
  'r-is-order',
  's-is-zero',
  's-is-order',
  'eddsa-neutral-point',
])

function isMadeByAnybody(signature: SignatureName = 'valid'): boolean {
  return needsNoKey.has(signature) || signature.startsWith('hmac-')
}
