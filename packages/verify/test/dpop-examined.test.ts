import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createProofJudge } from '../src/dpop/proof-judge.ts'
import type { ExaminedProof, KeyProofJudge } from '../src/dpop/proof-judge.ts'
import type { ProofJudgeOptions } from '../src/dpop/proof-options.ts'
import type { ProofKey } from '../src/testing/proof-key.ts'
import { createProofKey } from '../src/testing/proof-key.ts'
import { createClock } from './clock.ts'
import { refusal } from './proof-service.ts'

const request = { method: 'POST', url: 'https://id.example/token' } as const

interface Issuer {
  readonly key: ProofKey
  readonly judge: KeyProofJudge
  readonly used: Set<string>
  readonly examine: (proof: string) => ExaminedProof
}

function start(options: ProofJudgeOptions = {}): Issuer {
  const clock = createClock()
  const used = new Set<string>()
  const use = (key: string): boolean => !used.has(key) && used.add(key).has(key)
  const judge = createProofJudge({ now: clock.now, replays: { use }, ...options })
  const key = createProofKey({ now: clock.now })
  return { key, judge, used, examine: (proof) => judge.examine({ ...request, proofs: [proof] }) }
}

test('an issuer learns from a proof which key it is, and nothing is used up before it says so', async () => {
  const { key, used, examine } = start()
  const proof = key.prove(request)
  const [first, second] = [examine(proof), examine(proof)]
  assert.ok(first.kind === 'good' && second.kind === 'good')
  assert.equal(first.thumbprint, key.thumbprint)
  assert.equal(used.size, 0)
  assert.deepEqual(await first.use(), { kind: 'proven', nextNonce: undefined })
  assert.deepEqual(await second.use(), refusal('replayed'))
})

test('a proof without a token has no ath, and one that has is as good there', () => {
  const { key, examine } = start()
  assert.equal(examine(key.prove({ ...request, accessToken: 'a.b.c' })).kind, 'good')
  assert.equal(examine(key.prove(request, { payload: { set: { ath: 7 } } })).kind, 'good')
})

test('a proof that an issuer could examine is none for a service that knows the token', async () => {
  const { key, judge } = start()
  const presented = { ...request, accessToken: 'a.b.c', thumbprint: key.thumbprint }
  const without = { ...presented, proofs: [key.prove(request)] }
  assert.deepEqual(await judge.judge(without), refusal('malformed-claims'))
  const proofs = [key.prove({ ...request, accessToken: 'a.b.c' })]
  assert.equal((await judge.judge({ ...presented, proofs })).kind, 'proven')
  // As JavaScript may call it.
  const nameless = { ...presented, proofs, thumbprint: undefined as unknown as string }
  assert.deepEqual(await judge.judge(nameless), refusal('wrong-key'))
})

test('what is wrong with a proof is told before it is used', () => {
  const { key, used, judge, examine } = start()
  const proof = key.prove(request)
  assert.deepEqual(judge.examine({ ...request, proofs: [] }), refusal('missing-proof'))
  assert.deepEqual(judge.examine({ ...request, proofs: [proof, proof] }), refusal('several-proofs'))
  assert.deepEqual(examine(key.prove(request, { signature: 'stranger' })), refusal('bad-signature'))
  assert.deepEqual(examine(key.prove({ ...request, method: 'PUT' })), refusal('wrong-method'))
  assert.equal(examine(proof).kind, 'good')
  assert.equal(used.size, 0)
})

function kindAt({ key, examine }: Issuer, nonce: string): string {
  return examine(key.prove({ ...request, nonce })).kind
}

test('with several keys the first makes nonces, and those of all are good', () => {
  const [one, two] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
  const required = { nonce: 'required' } as const
  const before = start({ ...required, nonceKey: one })
  const during = start({ ...required, nonceKey: [two, one] })
  const after = start({ ...required, nonceKey: two })
  const [old = '', fresh = ''] = [before.judge.nonce(), during.judge.nonce()]
  assert.equal(fresh, after.judge.nonce())
  assert.deepEqual([kindAt(during, old), kindAt(during, fresh)], ['good', 'good'])
  assert.deepEqual([kindAt(before, fresh), kindAt(after, old)], ['use-nonce', 'use-nonce'])
  assert.equal(start().judge.nonce(), undefined)
  for (const nonceKey of [
    [one, one.slice(1)],
    [one, 'two'],
  ]) {
    const wrong = { ...required, nonceKey } as unknown as ProofJudgeOptions
    assert.throws(() => createProofJudge(wrong), /^TypeError: option "nonceKey" must be 32 bytes/)
  }
})
