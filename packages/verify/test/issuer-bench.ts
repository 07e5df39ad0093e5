import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { Verifier, VerifierOptions } from '@portcullis/verify'
import { createVerifier, VerifyError } from '@portcullis/verify'
import type { TestIssuer, TestIssuerOptions } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'
import type { Clock } from './clock.ts'
import { createClock } from './clock.ts'

/** A verifier of a plain issuer on loopback, and the clock of both. */
export interface Bench {
  readonly clock: Clock
  readonly issuer: TestIssuer
  readonly verifier: Verifier
}

export async function startBench(
  context: TestContext,
  options: TestIssuerOptions = {},
  settings: Partial<VerifierOptions> = {},
): Promise<Bench> {
  const clock = createClock()
  const issuer = await createTestIssuer({ algorithm: 'EdDSA', now: clock.now, ...options })
  context.after(issuer.close)
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
    now: clock.now,
    ...settings,
  })
  context.after(verifier.close)
  return { clock, issuer, verifier }
}

export function withRandomKid(issuer: TestIssuer): string {
  return issuer.mint({}, { kid: randomUUID() })
}

export async function refusalOf(verifier: Verifier, token: string): Promise<VerifyError> {
  const error: unknown = await verifier.verify(token).then(
    () => assert.fail('the token was accepted'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof VerifyError, String(error))
  return error
}
