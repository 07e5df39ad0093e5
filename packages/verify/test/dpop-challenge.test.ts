import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dpopChallenge, dpopErrorOf } from '../src/dpop/challenge.ts'
import { boundThumbprint } from '../src/dpop/confirmation.ts'
import type { ProofFault } from '../src/dpop/proof-fault.ts'
import { proofFaultDescriptions } from '../src/dpop/proof-fault.ts'
import { createProofJudge } from '../src/dpop/proof-judge.ts'
import { createProofKey } from '../src/testing/proof-key.ts'

test('a challenge names the algorithms, and an error only where there was a token', () => {
  const { algorithms } = createProofJudge({ algorithms: ['ES256', 'EdDSA'] })
  assert.equal(
    dpopChallenge({ realm: 'orders', algorithms }),
    'DPoP realm="orders", algs="ES256 EdDSA"',
  )
  for (const error of ['invalid_dpop_proof', 'use_dpop_nonce', 'invalid_token'] as const) {
    assert.equal(
      dpopChallenge({ realm: 'orders', algorithms, error }),
      `DPoP realm="orders", algs="ES256 EdDSA", error="${error}"`,
    )
  }
})

test('nothing in a challenge ends a text early', () => {
  const challenge = dpopChallenge({
    realm: 'a"\\\r\nb',
    algorithms: ['ES256'],
    error: 'invalid_token',
    description: '"é',
  })
  const expected =
    'DPoP realm="a????b", algs="ES256", error="invalid_token", error_description="??"'
  assert.equal(challenge, expected)
})

test('every fault has a description and an error; only the binding is a fault of the token', () => {
  const faults = Object.keys(proofFaultDescriptions) as ProofFault[]
  assert.ok(faults.length >= 15)
  for (const fault of faults) {
    assert.match(proofFaultDescriptions[fault], /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
    const expected = fault === 'wrong-key' ? 'invalid_token' : 'invalid_dpop_proof'
    assert.equal(dpopErrorOf(fault), expected)
  }
})

test('a token is bound to the one key that its confirmation names', () => {
  const { thumbprint: jkt } = createProofKey()
  assert.equal(boundThumbprint({ jkt }), jkt)
  for (const cnf of [
    {},
    { jkt: '' },
    { jkt: 5 },
    { jkt: [jkt] },
    { jkt: `${jkt}=` },
    { jkt: `${jkt}\n` },
    { JKT: jkt },
    { jwk: { kty: 'EC' } },
    { jkt, 'x5t#S256': jkt },
  ]) {
    assert.equal(boundThumbprint(cnf), undefined, JSON.stringify(Object.keys(cnf)))
  }
})
