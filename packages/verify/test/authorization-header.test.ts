import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authenticateHeader, VerifyError } from '@portcullis/verify'

/** Verifies nothing: the header is what these tests are about. */
const verifier = {
  audience: 'orders',
  verify: async (token: string) => {
    throw new Error(`reached the verifier with ${token}`)
  },
}

async function fateOf(authorization: string | readonly string[] | undefined): Promise<string> {
  const error: unknown = await authenticateHeader(verifier, authorization).catch(
    (reason: unknown) => reason,
  )
  if (error instanceof VerifyError) return error.code
  return error instanceof Error ? error.message : 'no error'
}

const cases: readonly (readonly [string, string | readonly string[] | undefined, string])[] = [
  ['a bearer token', 'Bearer a.b-c_d', 'reached the verifier with a.b-c_d'],
  ['a bearer token in a list', ['Bearer a.b.c'], 'reached the verifier with a.b.c'],
  ['any case of the scheme', 'bEaReR a.b.c', 'reached the verifier with a.b.c'],
  [
    'every character of a b64token',
    'Bearer aZ09-._~+/==',
    'reached the verifier with aZ09-._~+/==',
  ],
  ['no field', undefined, 'missing-token'],
  ['an empty list of fields', [], 'missing-token'],
  ['another scheme', 'Basic dTpw', 'missing-token'],
  ['another scheme with parameters', 'Digest username="bob", realm="x"', 'missing-token'],
  ['a scheme that begins alike', 'BearerX abc', 'missing-token'],
  ['DPoP, which needs a request', 'DPoP a.b.c', 'missing-token'],
  ['an empty field', '', 'invalid-request'],
  ['a blank field', ' ', 'invalid-request'],
  ['a scheme alone', 'Negotiate', 'invalid-request'],
  ['two fields', ['Bearer a.b.c', 'Bearer a.b.c'], 'invalid-request'],
  ['two fields of another scheme', ['Basic dTpw', 'Basic dTpw'], 'invalid-request'],
  ['a leading space', ' Bearer a.b.c', 'invalid-request'],
  ['a trailing space', 'Bearer a.b.c ', 'invalid-request'],
  ['a trailing line break', 'Bearer a.b.c\n', 'invalid-request'],
  ['padding in the middle', 'Bearer a=.b.c', 'invalid-request'],
  ['padding alone', 'Bearer =', 'invalid-request'],
  ['letters beyond ASCII', 'Bearer ä.b.c', 'invalid-request'],
  ['a bearer token after other credentials', 'Basic dTpw, bearer a.b.c', 'invalid-request'],
  ['a bearer token as a parameter', 'Custom scheme=Bearer', 'invalid-request'],
]

for (const [name, authorization, expected] of cases) {
  test(`an Authorization header with ${name}: ${expected}`, async () => {
    assert.equal(await fateOf(authorization), expected)
  })
}

test('a megabyte of header is judged in a moment', async () => {
  const startedAt = performance.now()
  for (const filler of ['=', ' ', 'a', 'bearer ', ', ']) {
    await fateOf(`Bearer ${filler.repeat(1_000_000 / filler.length)}!`)
    await fateOf(`${filler.repeat(1_000_000 / filler.length)}!`)
  }
  assert.ok(performance.now() - startedAt < 3_000)
})
