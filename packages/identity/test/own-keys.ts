import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import { isAlgorithmName } from '@portcullis/protocol/jws'
import type { SigningKey } from '@portcullis/verify/testing'
import { createSealer } from '../src/domain/sealing.ts'
import type { RunningIdentity } from './running-identity.ts'

/** A private key of an issuer, opened as only the holder of its sealing key can: the strongest forger there is. */
export async function openOwnKey(
  { query, sealingKey }: RunningIdentity,
  purpose: 'access-token' | 'feed',
  wanted: AlgorithmName,
): Promise<SigningKey> {
  const rows = await query(
    `SELECT kid, algorithm, sealed_private_key FROM signing_keys
     WHERE state = 'active' AND purpose = '${purpose}' AND algorithm = '${wanted}'`,
  )
  const [row] = rows
  assert.ok(row !== undefined && rows.length === 1, `${rows.length} keys`)
  const { kid, algorithm, sealed_private_key: sealed } = row
  assert.ok(typeof kid === 'string' && typeof sealed === 'string' && isAlgorithmName(algorithm))
  const sealer = createSealer(sealingKey, () => assert.fail('nothing is to be sealed'))
  const opened = sealer.open(sealed, kid)
  assert.ok(opened.kind === 'opened', opened.kind)
  return { kid, algorithm, privateKey: createPrivateKey(opened.plaintext) }
}
