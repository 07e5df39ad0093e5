import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import type { AccessTokenClaims } from '@portcullis/protocol'
import { createVerifier } from '@portcullis/verify'
import { createTestIssuer } from '@portcullis/verify/testing'
import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'
import type { JudgedOwnClaims, OwnClaimsCheck, StandardSchemaV1 } from '../src/own-claims.ts'
import { createOwnClaimsCheck } from '../src/own-claims.ts'

const iat = 1_780_315_200
const claims: AccessTokenClaims = Object.freeze({
  iss: 'https://id.example',
  sub: 'alice',
  aud: 'orders',
  iat,
  exp: iat + 900,
  jti: 'j',
  client_id: 'web',
})
const secret = 'pa55word-in-a-claim'

interface Own {
  readonly tenant: { readonly id: string }
  readonly limits: readonly number[]
}

const libraries: readonly (readonly [string, OwnClaimsCheck<Own>])[] = [
  [
    'zod',
    createOwnClaimsCheck(
      z.object({ tenant: z.object({ id: z.string().max(8) }), limits: z.array(z.number()) }),
    ),
  ],
  [
    'valibot',
    createOwnClaimsCheck(
      v.object({
        tenant: v.object({ id: v.pipe(v.string(), v.maxLength(8)) }),
        limits: v.array(v.number()),
      }),
    ),
  ],
  [
    'arktype',
    createOwnClaimsCheck(
      type({ tenant: { id: 'string <= 8' }, limits: 'number[]', '+': 'delete' }),
    ),
  ],
]

/** Libraries find faults in an order of their own. */
function placesOf(judged: JudgedOwnClaims<unknown>): readonly string[] {
  assert.ok(judged.kind === 'refused')
  assert.deepEqual(Object.keys(judged), ['kind', 'paths'])
  return judged.paths.toSorted()
}

for (const [name, check] of libraries) {
  test(`${name}: what fits is answered, typed and frozen at every depth`, async () => {
    const judged = await check({ ...claims, tenant: { id: 'acme' }, limits: [1, 2] })
    assert.ok(judged.kind === 'ok')
    const { tenant, limits } = judged.own
    assert.deepEqual(judged.own, { tenant: { id: 'acme' }, limits: [1, 2] })
    assert.ok([judged.own, tenant, limits].every((value) => Object.isFrozen(value)))
  })

  test(`${name}: what does not fit is answered with its place and never with its value`, async () => {
    const judged = await check({ ...claims, tenant: { id: secret }, limits: [1, secret] })
    assert.deepEqual(placesOf(judged), ['limits.1', 'tenant.id'])
    assert.deepEqual(placesOf(await check(claims)), ['limits', 'tenant'])
    const twisted = await check({ ...claims, tenant: secret, limits: { length: secret } })
    assert.deepEqual(placesOf(twisted), ['limits', 'tenant'])
  })

  test(`${name}: a synchronous schema is answered at once`, () => {
    assert.ok(!(check(claims) instanceof Promise))
  })
}

const isKnown = async (id: string): Promise<boolean> => id === 'acme'

test('an asynchronous schema is waited for', async () => {
  const checks = [
    createOwnClaimsCheck(z.object({ tenant: z.string().refine(isKnown) })),
    createOwnClaimsCheck(v.objectAsync({ tenant: v.pipeAsync(v.string(), v.checkAsync(isKnown)) })),
  ]
  for (const check of checks) {
    const good = await check({ ...claims, tenant: 'acme' })
    assert.deepEqual(good, { kind: 'ok', isFrozen: true, own: { tenant: 'acme' } })
    const bad = await check({ ...claims, tenant: secret })
    assert.deepEqual(bad, { kind: 'refused', paths: ['tenant'] })
  }
})

test('the claims of a verified token can be checked as they are', async (context) => {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  context.after(issuer.close)
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
  })
  const { claims: verified } = await verifier.verify(
    issuer.mint({ tenant: { id: 'acme' }, limits: [] }),
  )
  assert.ok(Object.isFrozen(verified))
  for (const [name, check] of libraries) {
    assert.deepEqual(
      await check(verified),
      { kind: 'ok', isFrozen: true, own: { tenant: { id: 'acme' }, limits: [] } },
      name,
    )
  }
})

test('a schema that changes what it is given changes nothing outside', async () => {
  const given = { ...claims, tenant: { id: 'acme' }, limits: [1] }
  const before = structuredClone(given)
  for (const [name, check] of libraries) {
    assert.equal((await check(given)).kind, 'ok', name)
    assert.deepEqual(given, before, name)
    assert.equal(Object.isFrozen(given.tenant), false, name)
  }
})

test('a schema may make something else of the claims', async () => {
  const check = createOwnClaimsCheck(
    z.object({
      exp: z.number().transform((seconds) => new Date(seconds * 1000)),
      plan: z.string().default('free'),
      rights: z
        .array(z.string())
        .default([])
        .transform((names) => new Map(names.entries())),
    }),
  )
  const judged = await check(claims)
  assert.ok(judged.kind === 'ok')
  assert.equal(judged.own.exp.getTime(), (iat + 900) * 1000)
  assert.equal(judged.own.plan, 'free')
  assert.ok(judged.own.rights instanceof Map)
  assert.ok(Object.isFrozen(judged.own))
})

/** A schema that answers what it is told. */
function answering(result: unknown): StandardSchemaV1<unknown, unknown> {
  return {
    '~standard': { version: 1, vendor: 'test', validate: () => result as { value: unknown } },
  }
}

test('what is frozen may go round in a circle, and holds what cannot be frozen', async () => {
  const circle: Record<string, unknown> = { bytes: new Uint8Array(2), none: null }
  const bare: Record<string, unknown> = Object.assign(Object.create(null), { circle })
  circle['list'] = [bare]
  const judged = await createOwnClaimsCheck(answering({ value: circle }))(claims)
  assert.ok(judged.kind === 'ok')
  assert.ok(Object.isFrozen(circle) && Object.isFrozen(bare) && Object.isFrozen(circle['list']))
})

test('paths are few, short, told once, and fit into a header', async () => {
  const issues = [
    { message: secret },
    { message: secret, path: ['a', { key: 'b' }, 0, Symbol('c')] },
    { message: secret, path: ['a', 'b', 0, Symbol('c')] },
    { message: secret, path: ['x'.repeat(5_000)] },
    { message: secret, path: ['é\r\n"'] },
    ...Array.from({ length: 1_000 }, (_value, at) => ({ message: secret, path: ['many', at] })),
  ]
  const judged = await createOwnClaimsCheck(answering({ issues }))(claims)
  assert.ok(judged.kind === 'refused')
  assert.equal(judged.paths.length, 16)
  assert.deepEqual(judged.paths.slice(0, 2), ['', 'a.b.0.Symbol(c)'])
  assert.equal(judged.paths[2]?.length, 128)
  assert.equal(judged.paths[3], '????')
})

test('no issues in a list is still a refusal', async () => {
  const judged = await createOwnClaimsCheck(answering({ issues: [] }))(claims)
  assert.deepEqual(judged, { kind: 'refused', paths: [] })
})

test('a promise that is not of this realm is waited for too', async () => {
  const foreign: unknown = runInNewContext('Promise.resolve({ issues: [] })')
  assert.ok(!(foreign instanceof Promise))
  const judged = await createOwnClaimsCheck(answering(foreign))(claims)
  assert.deepEqual(judged, { kind: 'refused', paths: [] })
})

test('a schema that throws, or answers nothing that is known, lets nothing in', async () => {
  const broken = createOwnClaimsCheck(z.string().transform(() => assert.fail('in the schema')))
  assert.equal((await broken(claims)).kind, 'refused')
  const throwing = createOwnClaimsCheck(z.unknown().transform(() => assert.fail('in the schema')))
  await assert.rejects(async () => throwing(claims), /in the schema/)
  for (const result of [{}, { valid: true }, undefined, 'ok', Promise.resolve({})]) {
    await assert.rejects(async () => createOwnClaimsCheck(answering(result))(claims), TypeError)
  }
})

const validate = (): { value: unknown } => ({ value: 1 })

test('what is no Standard Schema is a mistake at once', () => {
  for (const schema of [
    undefined,
    null,
    {},
    () => true,
    { parse: validate },
    { '~standard': null },
    { '~standard': { version: 2, vendor: 'test', validate } },
    { '~standard': { version: 1, vendor: 'test' } },
  ]) {
    assert.throws(
      () => createOwnClaimsCheck(schema as unknown as StandardSchemaV1),
      /option "claims" must be a Standard Schema/,
    )
  }
})
