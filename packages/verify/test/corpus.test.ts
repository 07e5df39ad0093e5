import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { createVerifier, problemOf, VerifyError } from '@portcullis/verify'
import type { Verifier } from '@portcullis/verify'
import { authenticate } from '@portcullis/verify/fetch'
import type { TestIssuer, Vector, VectorRecipe } from '@portcullis/verify/testing'
import { buildVector, createTestIssuer } from '@portcullis/verify/testing'
import { createClock } from './clock.ts'

const file = new URL('../../../vectors/access-tokens.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as readonly Vector[]

interface Bench {
  readonly issuer: TestIssuer
  readonly verifier: Verifier
  /** Answers as a service behind the fetch adapter would. */
  readonly request: (authorization: readonly string[]) => Promise<Response>
}

const clock = createClock()
const addressesFetched = new Set<string>()
const benches = new Map<string, Bench>()
/** Every text that a refusal sends or logs, beside the token that it refused. */
const refusals: { readonly token: string; readonly texts: readonly string[] }[] = []
let accepted = 0

for (const algorithm of ['RS256', 'PS256', 'ES256', 'EdDSA'] as const) {
  const issuer = await createTestIssuer({ algorithm, now: clock.now })
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
    now: clock.now,
    fetch: (url, init) => {
      addressesFetched.add(url)
      return fetch(url, init)
    },
  })
  const handle = authenticate(verifier)(() => new Response('let in'))
  benches.set(algorithm, {
    issuer,
    verifier,
    request: (authorization) => {
      const headers = authorization.map((value): [string, string] => ['authorization', value])
      return handle(new Request('http://orders.example/', { headers }))
    },
  })
}

after(async () => {
  for (const { issuer } of benches.values()) await issuer.close()
})

for (const vector of vectors) {
  const { id, forges, recipe, twin = {}, algorithm = 'RS256', carrier = 'header' } = vector
  const bench = benches.get(algorithm)
  assert.ok(bench)

  test(`${id}: ${forges} is ${vector.expected.status === 200 ? 'accepted' : 'refused'}`, async () => {
    if (vector.expected.status === 200) {
      await assertAccepted(bench, recipe)
      return
    }
    const { token, authorization } = buildVector(recipe, bench.issuer)
    if (recipe.authorization === undefined) await assertTokenRefused(bench, vector, token)
    if (carrier === 'header') await assertRequestRefused(bench, vector, authorization, token)
    await assertAccepted(bench, twin)
  })
}

async function assertAccepted(bench: Bench, recipe: VectorRecipe): Promise<void> {
  const { token, authorization } = buildVector(recipe, bench.issuer)
  const verified = await bench.verifier.verify(token)
  assert.equal(verified.claims.iss, bench.issuer.issuer)
  const response = await bench.request(authorization)
  assert.equal(response.status, 200)
  assert.equal(await response.text(), 'let in')
  accepted += 1
}

async function assertTokenRefused(
  { verifier }: Bench,
  { expected }: Vector,
  token: string,
): Promise<void> {
  const error: unknown = await verifier.verify(token).then(
    () => assert.fail('the verifier accepted it'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof VerifyError, String(error))
  assert.equal(error.code, 'invalid-token')
  assert.equal(error.status, 401)
  // For the defect that was made, and not for another that came along with it.
  assert.equal(error.reason, expected.reason)
  const texts = [error.message, error.stack ?? '', error.challenge ?? '']
  refusals.push({ token, texts: [...texts, JSON.stringify(problemOf(error))] })
}

async function assertRequestRefused(
  bench: Bench,
  { expected }: Vector,
  authorization: readonly string[],
  token: string,
): Promise<void> {
  const response = await bench.request(authorization)
  const body = await response.text()
  const problem = JSON.parse(body) as { readonly code: string; readonly status: number }
  assert.equal(response.status, expected.status)
  assert.equal(problem.status, expected.status)
  assert.equal(problem.code, expected.code)
  assert.equal(response.headers.get('cache-control'), 'no-store')
  const challenge = response.headers.get('www-authenticate')
  assert.match(challenge ?? '', /^Bearer realm="orders"/)
  assert.equal(/error="/.test(challenge ?? ''), expected.code !== 'missing-token')
  refusals.push({ token, texts: [body, JSON.stringify([...response.headers])] })
}

test('the whole corpus ran, and for every refusal something alike was accepted', () => {
  const negatives = vectors.filter(({ expected }) => expected.status !== 200)
  assert.ok(negatives.length >= 250, `only ${negatives.length} refusals in the corpus`)
  assert.equal(new Set(vectors.map(({ id }) => id)).size, vectors.length)
  assert.equal(accepted, vectors.length)
})

test('nothing in a token caused a request to anywhere but the two documents of the issuer', () => {
  const expected = [...benches.values()].flatMap(({ issuer: { issuer } }) => [
    `${issuer}/.well-known/oauth-authorization-server`,
    `${issuer}/.well-known/jwks.json`,
  ])
  assert.deepEqual([...addressesFetched].toSorted(), expected.toSorted())
})

test('no refusal repeats any part of the token that it refuses', () => {
  assert.ok(refusals.length >= 500, `only ${refusals.length} refusals were recorded`)
  let partsSearched = 0
  for (const { token, texts } of refusals) {
    for (const part of token.split(/[^\w-]/).filter((text) => text.length >= 16)) {
      partsSearched += 1
      for (const text of texts) assert.ok(!text.includes(part), `a part of the token in: ${text}`)
    }
  }
  assert.ok(partsSearched >= 1_000, `only ${partsSearched} parts were searched for`)
})
