import assert from 'node:assert/strict'
import type { Buffer } from 'node:buffer'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { parseCompactJws, parseVerificationKey } from '@portcullis/protocol/jws'
import { judgePublishedJws } from './published-jws.ts'
import { readSharedFiles } from './shared-vectors.ts'

type Members = Readonly<Record<string, unknown>>

/** One example of RFC 7520 or of what was published like it. */
interface Example {
  readonly input: { readonly key: Members; readonly alg: unknown }
  readonly output: {
    readonly compact?: string
    readonly json?: unknown
    readonly json_flat?: unknown
  }
}

const fates: ReadonlyMap<string, string> = new Map([
  ['4_1.rsa_v15_signature.json', 'accepted'],
  ['4_2.rsa-pss_signature.json', 'accepted'],
  ['4_3.ecdsa_signature.json', 'accepted'],
  ['4_4.hmac-sha2_integrity_protection.json', 'accepted'],
  // The payload is not in the token.
  ['4_5.signature_with_detached_content.json', 'not-three-parts'],
  // Its header has no kid; with one it would be another token.
  ['jws.json', 'missing-key-id'],
  // The payload stands there as it is, with spaces in it.
  ['hmac-sha2_b64_false.json', 'not-canonical-base64url'],
])

test('the compact examples of the cookbooks verify; detached and unencoded ones are refused', (context) => {
  const examples = readExamples(context)
  if (examples === undefined) return
  let judged = 0
  for (const [name, { input, output }] of examples) {
    if (output.compact === undefined || !fates.has(name)) continue
    // Published without `alg`, while a key of ours is for one algorithm.
    const key = { kid: 'k', ...publicPart(input.key), alg: input.alg }
    assert.equal(judgePublishedJws(output.compact, key), fates.get(name), name)
    judged += 1
  }
  assert.equal(judged, fates.size)
})

test('the JSON serializations of the cookbooks are refused, as objects and as texts', (context) => {
  const examples = readExamples(context)
  if (examples === undefined) return
  let refused = 0
  for (const [name, { output }] of examples) {
    for (const form of [output.json, output.json_flat]) {
      if (form === undefined) continue
      for (const token of [form, JSON.stringify(form)]) {
        assert.equal(parseCompactJws(token).kind, 'malformed', name)
        refused += 1
      }
    }
  }
  assert.ok(refused >= 40, `only ${refused} were refused`)
})

test('of the keys of the cookbook the public ones are read, private and symmetric ones are not', (context) => {
  const files = readSharedFiles(context, 'ietf-jose-cookbook/jwk')
  if (files === undefined) return
  const read = files.map(([name, octets]) => {
    const parsed = parseVerificationKey(JSON.parse(octets.toString()))
    return [name, parsed.kind === 'key' ? parsed.key.algorithm.name : parsed.why]
  })
  const secret = 'it holds a private or symmetric key'
  assert.deepEqual(read, [
    ['3_1.ec_public_key.json', 'ES512'],
    ['3_2.ec_private_key.json', secret],
    ['3_3.rsa_public_key.json', 'RS256'],
    ['3_4.rsa_private_key.json', secret],
    ['3_5.symmetric_key_mac_computation.json', secret],
    ['3_6.symmetric_key_encryption.json', secret],
  ])
})

function readExamples(context: TestContext): readonly (readonly [string, Example])[] | undefined {
  const folders = ['jws', 'curve25519', 'rfc7797'].map((folder) =>
    readSharedFiles(context, `ietf-jose-cookbook/${folder}`),
  )
  if (folders.includes(undefined)) return undefined
  const files = folders.flatMap((entries) => entries ?? [])
  return files
    .filter(([name]) => name.endsWith('.json'))
    .map(([name, octets]: readonly [string, Buffer]) => [
      name,
      JSON.parse(octets.toString()) as Example,
    ])
}

function publicPart(key: Members): Members {
  if (key['kty'] === 'oct') return key
  const secrets = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi'])
  return Object.fromEntries(Object.entries(key).filter(([name]) => !secrets.has(name)))
}
