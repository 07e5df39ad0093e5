import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import { problemOf, requireRole, requireScope, VerifyError } from '@portcullis/verify'
import type { Requirement } from '@portcullis/verify'
import type { Vector, VectorRecipe } from '@portcullis/verify/testing'
import { buildVector } from '@portcullis/verify/testing'
import { createClock } from './clock.ts'
import { adapters as frameworks } from './adapter-servers.ts'
import type { Answer, Bench } from './corpus-bench.ts'
import { createBench, defaultAlgorithms } from './corpus-bench.ts'
import { plainServer } from './plain-server.ts'

const file = new URL('../../../vectors/access-tokens.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as readonly Vector[]

/** Each runs as a real service, and gets every entry that a header field can carry. */
const adapters = [plainServer, ...frameworks]

const { now } = createClock()
const addressesFetched = new Set<string>()
const benches = new Map<AlgorithmName, Bench>()
/** Every text that a refusal sends or logs, beside the token that it refused. */
const refusals: { readonly token: string; readonly texts: readonly string[] }[] = []
/** Which twin was let in by which service. */
const twinsLetIn = new Set<string>()
let accepted = 0
let sentOverSockets = 0

for (const { algorithm = 'RS256' } of vectors) {
  if (benches.has(algorithm)) continue
  const bench = await createBench({
    algorithm,
    // The others differ in nothing that an adapter sees.
    adapters: defaultAlgorithms.includes(algorithm) ? adapters : [],
    now,
    onFetch: (url) => addressesFetched.add(url),
  })
  benches.set(algorithm, bench)
}

after(async () => {
  for (const bench of benches.values()) await bench.close()
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
    if (vector.requires !== undefined) {
      await assertNotEnough(bench, vector)
    } else {
      if (recipe.authorization === undefined) await assertTokenRefused(bench, vector, token)
      if (carrier === 'header') await assertRequestRefused(bench, vector, authorization, token)
    }
    await assertAccepted(bench, twin, requirementsOf(vector))
  })
}

async function assertAccepted(
  bench: Bench,
  recipe: VectorRecipe,
  requirements: readonly Requirement[] = [],
): Promise<void> {
  const { token, authorization } = buildVector(recipe, bench.issuer)
  const verified = await bench.verifier.verify(token)
  assert.equal(verified.claims.iss, bench.issuer.issuer)
  const answer = await bench.ask(authorization, ...requirements)
  assert.equal(answer.status, 200)
  assert.equal(answer.body, 'let in')
  accepted += 1

  // Most have the plain token for a twin, which a service is asked once.
  const known = JSON.stringify([bench.issuer.issuer, recipe])
  if (twinsLetIn.has(known)) return
  twinsLetIn.add(known)
  for (const service of bench.services) {
    assert.equal((await service.ask(authorization)).status, 200, service.name)
  }
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
  vector: Vector,
  authorization: readonly string[],
  token: string,
): Promise<void> {
  assertRefusal('fetch', await bench.ask(authorization), vector, token)
  for (const { name, ask } of bench.services) {
    assertRefusal(name, await ask(authorization), vector, token)
    sentOverSockets += 1
  }
}

/** The token is good, and does not hold what is required. */
async function assertNotEnough(bench: Bench, vector: Vector): Promise<void> {
  const { token, authorization } = buildVector(vector.recipe, bench.issuer)
  await bench.verifier.verify(token)
  const answer = await bench.ask(authorization, ...requirementsOf(vector))
  assertRefusal('fetch', answer, vector, token)
}

function assertRefusal(
  name: string,
  { status, body, headers }: Answer,
  { expected }: Vector,
  token: string,
): void {
  const problem = JSON.parse(body) as { readonly code: string; readonly status: number }
  assert.equal(status, expected.status, name)
  assert.equal(problem.status, expected.status, name)
  assert.equal(problem.code, expected.code, name)
  assert.equal(headers.get('cache-control'), 'no-store', name)
  const challenge = headers.get('www-authenticate') ?? ''
  assert.match(challenge, /^Bearer realm="orders"/, name)
  assert.equal(/error="/.test(challenge), expected.code !== 'missing-token', name)
  refusals.push({ token, texts: [body, JSON.stringify([...headers])] })
}

function requirementsOf({ requires }: Vector): readonly Requirement[] {
  if (requires === undefined) return []
  return ['role' in requires ? requireRole(requires.role) : requireScope(requires.scope)]
}

test('the whole corpus ran, and for every refusal something alike was accepted', () => {
  const negatives = vectors.filter(({ expected }) => expected.status !== 200)
  assert.ok(negatives.length >= 600, `only ${negatives.length} refusals in the corpus`)
  assert.equal(new Set(vectors.map(({ id }) => id)).size, vectors.length)
  assert.equal(accepted, vectors.length)
  assert.ok(sentOverSockets >= 500 * adapters.length, `only ${sentOverSockets} over sockets`)
})

test('nothing in a token caused a request to anywhere but the two documents of the issuer', () => {
  const expected = [...benches.values()].flatMap(({ issuer: { issuer } }) => [
    `${issuer}/.well-known/oauth-authorization-server`,
    `${issuer}/.well-known/jwks.json`,
  ])
  assert.deepEqual([...addressesFetched].toSorted(), expected.toSorted())
})

test('V99 no refusal repeats any part of the token that it refuses', () => {
  assert.ok(refusals.length >= 1_200, `only ${refusals.length} refusals were recorded`)
  let partsSearched = 0
  for (const { token, texts } of refusals) {
    for (const part of token.split(/[^\w-]/).filter((text) => text.length >= 16)) {
      partsSearched += 1
      for (const text of texts) assert.ok(!text.includes(part), `a part of the token in: ${text}`)
    }
  }
  assert.ok(partsSearched >= 2_500, `only ${partsSearched} parts were searched for`)
})
