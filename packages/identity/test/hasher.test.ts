import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hash as argon2 } from '@node-rs/argon2'
import { normalisePassword } from '../src/domain/passwords.ts'
import { createHasher } from '../src/hasher.ts'

const hasher = createHasher()
const password = normalisePassword('correct horse battery staple')

test('a password matches its own hash and no other password does', async () => {
  const hash = await hasher.hash(password)
  assert.deepEqual(await hasher.verify(hash, password), { kind: 'match' })
  const wrong = normalisePassword('correct horse battery stable')
  assert.deepEqual(await hasher.verify(hash, wrong), { kind: 'mismatch' })
})

test('a hash is argon2id with 19 MiB, two passes, one lane and a salt of its own', async () => {
  const hashes = [await hasher.hash(password), await hasher.hash(password)]
  for (const hash of hashes) assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  assert.equal(new Set(hashes).size, 2)
})

test('a hash that was made at another cost is still checked', async () => {
  const hash = await argon2(password, { memoryCost: 7168, timeCost: 5, parallelism: 1 })
  assert.deepEqual(await hasher.verify(hash, password), { kind: 'match' })
})

test('nothing is cut off: passwords that share their first 300 characters differ', async () => {
  const long = normalisePassword('🔑'.repeat(300))
  const longer = normalisePassword(`${'🔑'.repeat(300)}!`)
  const hash = await hasher.hash(long)
  assert.deepEqual(await hasher.verify(hash, longer), { kind: 'mismatch' })
})

test('when the queue is full the rest is turned away at once, and room comes back', async () => {
  const hash = await hasher.hash(password)
  const checks = await Promise.all(Array.from({ length: 160 }, () => hasher.verify(hash, password)))
  const matched = checks.filter(({ kind }) => kind === 'match')
  const busy = checks.filter((check) => check.kind === 'busy')
  assert.ok(matched.length >= 100, `${matched.length} were checked`)
  assert.ok(busy.length > 0, 'nobody was turned away')
  assert.equal(matched.length + busy.length, 160)
  for (const { retryAfterSeconds } of busy) assert.equal(retryAfterSeconds, 2)
  assert.deepEqual(await hasher.verify(hash, password), { kind: 'match' })
})
