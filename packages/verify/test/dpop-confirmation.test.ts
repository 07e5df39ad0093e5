import assert from 'node:assert/strict'
import { test } from 'node:test'
import { boundThumbprint } from '../src/dpop/confirmation.ts'
import { createProofKey } from '../src/testing/proof-key.ts'

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
