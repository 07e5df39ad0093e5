import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import { createVerifier, VerifyError } from '@portcullis/verify'
import type { TestIssuer, TokenRecipe } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'
import { createClock } from './clock.ts'
import { defaultAlgorithms } from './corpus-bench.ts'

type Members = Readonly<Record<string, unknown>>

/** One entry of `vectors/key-sets.json`; `vectors/README.md` describes it. */
interface KeySetVector {
  readonly id: string
  readonly forges: string
  readonly keys: readonly KeyRecipe[]
  readonly token?: TokenRecipe
  readonly algorithm?: AlgorithmName
  readonly expected: { readonly usable: boolean; readonly reason?: string }
}

interface KeyRecipe {
  readonly of?: 'issuer' | 'stranger'
  readonly set?: Members
  readonly remove?: readonly string[]
  readonly value?: unknown
}

/** An issuer, what it published at first, and a key of somebody else. */
interface Publisher {
  readonly issuer: TestIssuer
  readonly own: Members
  readonly stranger: Members
}

const file = new URL('../../../vectors/key-sets.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as readonly KeySetVector[]

const { now } = createClock()
const publishers = new Map<AlgorithmName, Publisher>()
for (const { algorithm = 'RS256' } of vectors) {
  if (publishers.has(algorithm)) continue
  const issuer = await createTestIssuer({ algorithm, now })
  const other = await createTestIssuer({ algorithm })
  const [own, stranger] = [await entryOf(issuer), await entryOf(other)]
  await other.close()
  publishers.set(algorithm, { issuer, own, stranger })
}

after(async () => {
  for (const { issuer } of publishers.values()) await issuer.close()
})

let usable = 0
for (const { id, forges, keys, token = {}, algorithm = 'RS256', expected } of vectors) {
  test(`${id}: ${forges} is ${expected.usable ? 'usable' : 'unusable'}`, async () => {
    const publisher = publishers.get(algorithm)
    assert.ok(publisher)
    const { issuer, own, stranger } = publisher
    // Keeps the set as a whole usable.
    const bystander = { ...stranger, kid: 'bystander' }
    issuer.publish({ keys: [bystander, ...keys.map((recipe) => entryFrom(recipe, publisher))] })
    assert.equal(await fateOf(publisher, algorithm, token), expected.reason ?? 'accepted')

    issuer.publish({ keys: [bystander, own] })
    assert.equal(await fateOf(publisher, algorithm, {}), 'accepted')
    if (expected.usable) usable += 1
  })
}

test('the key sets were all tried, good ones among them', () => {
  assert.ok(vectors.length >= 130, `only ${vectors.length} key sets`)
  assert.equal(new Set(vectors.map(({ id }) => id)).size, vectors.length)
  assert.ok(usable >= 20, `only ${usable} were usable`)
})

/** A verifier of its own, so that the set is fetched. */
async function fateOf(
  { issuer }: Publisher,
  algorithm: AlgorithmName,
  recipe: TokenRecipe,
): Promise<string> {
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
    algorithms: [...new Set([...defaultAlgorithms, algorithm])],
    now,
  })
  return verifier.verify(issuer.forge(recipe)).then(
    () => 'accepted',
    (error: unknown) =>
      error instanceof VerifyError ? (error.reason ?? error.code) : String(error),
  )
}

function entryFrom(recipe: KeyRecipe, publisher: Publisher): unknown {
  const { of, set = {}, remove = [], value } = recipe
  if (of === undefined) return filled(value, publisher)
  const base = of === 'issuer' ? publisher.own : publisher.stranger
  const members = Object.entries({ ...base, ...set }).filter(([name]) => !remove.includes(name))
  return filled(Object.fromEntries(members), publisher)
}

function filled(value: unknown, { issuer }: Publisher): unknown {
  const text = JSON.stringify(value)
    .replaceAll('<kid>', issuer.kid)
    .replaceAll(/<repeat:(\w):(\d+)>/g, (_whole, letter: string, count: string) =>
      letter.repeat(Number(count)),
    )
  return JSON.parse(text) as unknown
}

async function entryOf({ issuer }: TestIssuer): Promise<Members> {
  const response = await fetch(`${issuer}/.well-known/jwks.json`)
  const [entry] = ((await response.json()) as { readonly keys: readonly Members[] }).keys
  assert.ok(entry)
  return entry
}
