import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { createTestIssuer } from '@portcullis/verify/testing'
import { CannotForge } from '../src/attacks/cannot-forge.ts'
import { createGivenForge } from '../src/tokens/given-forge.ts'

test('a key set with endless numbers holds no forgery up', async () => {
  const { mint, kid } = await createTestIssuer({ network: false })
  const n = Buffer.alloc(450_000, 0xff).toString('base64url')
  const keySet = { keys: [{ kty: 'RSA', kid, n, e: 'AQAB' }] }
  const header = { alg: 'RS256', kid }
  const { forge } = createGivenForge({ header, payload: {} }, mint(), keySet)
  assert.throws(
    () => forge({ header: { set: { alg: 'HS256' } }, signature: 'hmac-pem' }),
    CannotForge,
  )
})
