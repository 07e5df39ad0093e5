import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { sharedSecretBytesMin, sharedSecretKey } from '@portcullis/protocol/jws'
import { judgePublishedJws } from './published-jws.ts'
import { readSharedVectors } from './shared-vectors.ts'

interface Group {
  readonly public?: KeyMaterial
  readonly private: KeyMaterial
  readonly tests: readonly {
    readonly tcId: number
    readonly comment: string
    readonly jws?: unknown
    readonly result: 'valid' | 'invalid'
  }[]
}

/** One JWK or a set of them. */
type KeyMaterial = Readonly<Record<string, unknown>> & { readonly keys?: readonly unknown[] }

/** Where we judge otherwise than Wycheproof: the reason, what we answer, and which tests these are. */
interface Deviation {
  readonly why: string
  readonly ours: string
  readonly tests: readonly number[]
}

const roca = 'we do not look for the fingerprint of keys that one chip generated badly'
const symmetricSet =
  'symmetric keys are no entries of our key sets, so that nothing can be mixed with them or stand there twice'

const files: readonly {
  readonly name: string
  readonly judgedMin: number
  readonly deviations: readonly Deviation[]
}[] = [
  {
    name: 'json_web_signature_test.json',
    judgedMin: 400,
    deviations: [
      {
        why: 'a token without claims is none',
        ours: 'not-three-parts',
        tests: [259, 264, 268, 272, 320, 325],
      },
      // Contested ones from here on. Figures 20 and 27 of RFC 7520 with keys to which an `alg` was added
      // that is another one than the header's: PS256 for PS384, and ES521, which is no algorithm.
      { why: 'the key is for another algorithm', ours: 'key-does-not-fit', tests: [346, 350] },
      {
        why: 'the key is for an algorithm that does not exist',
        ours: 'key: its algorithm is not supported',
        tests: [347, 351],
      },
      // Named for wrong padding, but there is none in the file: the text is the one of test 357, which is
      // valid.
      { why: 'the defect was lost from the file', ours: 'accepted', tests: [367, 370] },
      // A question mark inside base64url, which RFC 7515 section 2 has no room for. Alike ones in the same
      // group (361, 366, 371) are invalid.
      { why: 'not base64url', ours: 'not-canonical-base64url', tests: [372, 373] },
    ],
  },
  {
    name: 'json_web_key_test.json',
    judgedMin: 26,
    deviations: [
      { why: symmetricSet, ours: 'accepted', tests: [1, 4] },
      { why: roca, ours: 'accepted', tests: [7] },
      { why: 'HS384 and HS512 are unknown', ours: 'algorithm-not-allowed', tests: [14, 15] },
    ],
  },
  {
    name: 'json_web_crypto_test.json',
    judgedMin: 49,
    deviations: [
      { why: roca, ours: 'accepted', tests: [46] },
      { why: symmetricSet, ours: 'accepted', tests: [47] },
    ],
  },
]

for (const { name, judgedMin, deviations } of files) {
  test(`${name}: every JWS is judged as Wycheproof says, or for a reason of ours`, (context) => {
    const file = readSharedVectors(context, `wycheproof/${name}`)
    if (file === undefined) return
    const { testGroups } = file as { readonly testGroups: readonly Group[] }
    const ours = new Map(
      deviations.flatMap(({ tests, ours: answer }) => tests.map((id) => [id, answer])),
    )
    let judged = 0
    for (const group of testGroups) {
      for (const { tcId, comment, jws, result } of group.tests) {
        // The others are encrypted, which is not read here.
        if (jws === undefined) continue
        const fate = fateOf(jws, group.public ?? group.private)
        const expected = ours.get(tcId)
        const named = `${tcId} ${comment}: ${fate}`
        if (expected === undefined) assert.equal(fate === 'accepted', result === 'valid', named)
        else assert.equal(fate, expected, named)
        judged += 1
      }
    }
    assert.ok(judged >= judgedMin, `only ${judged} vectors were judged`)
    const counts = deviations.map(({ why, tests }) => `${tests.length} ${why}`)
    context.diagnostic(`${judged} judged; otherwise than Wycheproof: ${counts.join('; ')}`)
  })
}

function fateOf(jws: unknown, material: KeyMaterial): string {
  const fates = (material.keys ?? [material]).map((key) => judgePublishedJws(jws, key))
  if (fates.includes('accepted')) return 'accepted'
  return fates.find((fate) => fate !== 'unknown-key') ?? 'unknown-key'
}

interface MacGroup {
  readonly tagSize: number
  readonly tests: readonly {
    readonly tcId: number
    readonly key: string
    readonly msg: string
    readonly tag: string
    readonly result: 'valid' | 'invalid'
  }[]
}

test('HS256: the Wycheproof vectors are judged as they say, and short secrets and tags are refused', (context) => {
  const file = readSharedVectors(context, 'wycheproof/hmac_sha256_test.json')
  if (file === undefined) return
  const counts = { judged: 0, truncated: 0, weak: 0 }
  for (const { tagSize, tests } of (file as { readonly testGroups: readonly MacGroup[] })
    .testGroups) {
    for (const { tcId, key, msg, tag, result } of tests) {
      const secret = Buffer.from(key, 'hex')
      if (secret.length < sharedSecretBytesMin) {
        assert.throws(() => sharedSecretKey('s', secret), TypeError)
        counts.weak += 1
        continue
      }
      const { algorithm, publicKey } = sharedSecretKey('s', secret)
      // A text of latin1 stands for its octets, whichever they are.
      const input = Buffer.from(msg, 'hex').toString('latin1')
      const isValid = algorithm.verify(publicKey, input, Buffer.from(tag, 'hex'))
      // RFC 7518 section 3.2: the whole digest; Wycheproof has halves of it too.
      const isWhole = tagSize === 256
      assert.equal(isValid, isWhole && result === 'valid', String(tcId))
      counts[isWhole ? 'judged' : 'truncated'] += 1
    }
  }
  assert.ok(counts.judged >= 80 && counts.truncated >= 80 && counts.weak >= 6)
  context.diagnostic(JSON.stringify(counts))
})
