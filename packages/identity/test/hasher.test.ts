import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hash as argon2 } from '@node-rs/argon2'
import { StartError } from '@portcullis/runtime'
import type { NormalisedPassword } from '../src/domain/passwords.ts'
import type { Asker } from '../src/domain/turnstile.ts'
import { normalisePassword } from '../src/domain/passwords.ts'
import type { HashCost } from '../src/domain/hash-cost.ts'
import { hashCostFault } from '../src/domain/hash-cost.ts'
import { createHasher, hashPassword } from '../src/passwords/hasher.ts'

const hasher = createHasher()
const text = 'correct horse battery staple'
const password = normalisePassword(text)
const match = { kind: 'match' }
const matchAndRehash = { kind: 'match', rehash: true }
const mismatch = { kind: 'mismatch' }

async function hashOf(given: NormalisedPassword): Promise<string> {
  const hashed = await hasher.hash(given, 'known')
  assert.ok(hashed.kind === 'hashed')
  return hashed.passwordHash
}

test('a password matches its own hash and no other password does (ASVS 6.2.8)', async () => {
  const hash = await hashOf(password)
  assert.deepEqual(await hasher.verify(hash, text, 'known'), match)
  for (const wrong of ['correct horse battery stable', text.toUpperCase(), ` ${text}`, '']) {
    assert.deepEqual(await hasher.verify(hash, wrong, 'known'), mismatch, wrong)
  }
})

test('a hash is argon2id with 19 MiB, two passes, one lane and a salt of its own', async () => {
  const hashes = [await hashOf(password), await hashOf(password)]
  for (const hash of hashes) assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  assert.equal(new Set(hashes).size, 2)
})

test('nothing is cut off: passwords that share their first 300 characters differ', async () => {
  const long = normalisePassword('🔑'.repeat(300))
  const hash = await hashOf(long)
  assert.deepEqual(await hasher.verify(hash, `${long}!`, 'known'), mismatch)
})

test('a match with a weaker hash or one of another kind asks for a new one', async () => {
  const weaker = { memoryCost: 19_455, timeCost: 2, parallelism: 1 }
  assert.deepEqual(await hasher.verify(await argon2(text, weaker), text, 'known'), matchAndRehash)
  const fewer = { memoryCost: 47_104, timeCost: 1, parallelism: 1 }
  assert.deepEqual(await hasher.verify(await argon2(text, fewer), text, 'known'), matchAndRehash)
  const stronger = { memoryCost: 20_000, timeCost: 3, parallelism: 1 }
  assert.deepEqual(await hasher.verify(await argon2(text, stronger), text, 'known'), match)
  // As another kind, argon2i.
  const other = { ...stronger, algorithm: 1 }
  assert.deepEqual(await hasher.verify(await argon2(text, other), text, 'known'), matchAndRehash)
})

test('raised parameters make the old hashes weak, and new ones fit at once', async () => {
  const raised = createHasher({ cost: { memoryKib: 19_456, passes: 3, lanes: 1 } })
  assert.deepEqual(await raised.verify(await hashOf(password), text, 'known'), matchAndRehash)
  const hashed = await raised.hash(password, 'known')
  assert.ok(hashed.kind === 'hashed')
  assert.deepEqual(await raised.verify(hashed.passwordHash, text, 'known'), match)
})

test('a hash of another system matches what was typed there, in its own spelling', async () => {
  // Of the ligature itself, which NFKC makes two letters.
  const typed = 'o\ufb03ce-hours'
  const foreign = await argon2(typed, { memoryCost: 64, timeCost: 1, parallelism: 1 })
  assert.deepEqual(await hasher.verify(foreign, typed, 'known'), matchAndRehash)
  assert.deepEqual(await hasher.verify(foreign, 'office-hours', 'known'), mismatch)
  const own = await hashOf(normalisePassword(typed))
  for (const spelling of [typed, 'office-hours']) {
    assert.deepEqual(await hasher.verify(own, spelling, 'known'), match)
  }
})

test('of a bcrypt hash the octets after the 72nd do not count, until there is a hash of our own', async () => {
  // The same text as passlib's vector, which has 255 octets.
  const foreign = '$2a$04$R1lJ2gkNaoPGdafE.H.16.1MKHPvmKwryeulRe225LKProWYwt9Oi'
  const first72 = '0123456789'.repeat(8).slice(0, 72)
  for (const typed of [first72, `${first72}and anything else`]) {
    assert.deepEqual(await hasher.verify(foreign, typed, 'known'), matchAndRehash)
  }
  assert.deepEqual(await hasher.verify(foreign, first72.slice(1), 'known'), mismatch)
})

test('a stored hash that cannot be read matches nothing, and is no error', async () => {
  for (const damaged of ['', 'x', '$argon2id$v=19$m=19456,t=2,p=1$', '$2b$31$']) {
    assert.deepEqual(await hasher.verify(damaged, text, 'known'), mismatch, damaged)
  }
})

test('of checks and new hashes alike the rest is turned away when the queue is full', async () => {
  const hash = await hashOf(password)
  const narrow = createHasher({ runningMax: 1, waitingMax: 2 })
  const asked = [
    narrow.verify(hash, text, 'known'),
    narrow.hash(password, 'known'),
    narrow.verify(hash, text, 'known'),
    narrow.hash(password, 'known'),
    narrow.verify(hash, text, 'known'),
  ]
  const kinds = (await Promise.all(asked)).map(({ kind }) => kind)
  assert.deepEqual(kinds, ['match', 'hashed', 'match', 'busy', 'busy'])
  assert.deepEqual(await narrow.verify(hash, text, 'known'), match)
})

test('strangers wait in half of the places, and behind everybody who is known', async () => {
  const narrow = createHasher({ runningMax: 1, waitingMax: 4 })
  const order: string[] = []
  const ask = async (asker: Asker): Promise<void> => {
    const { kind } = await narrow.hash(password, asker)
    order.push(`${asker} ${kind}`)
  }
  const strangers = Array.from({ length: 4 }, () => ask('strangers'))
  assert.deepEqual(
    [narrow.whenFull('strangers')?.kind, narrow.whenFull('known')],
    ['busy', undefined],
  )
  const known = Array.from({ length: 3 }, () => ask('known'))
  assert.equal(narrow.whenFull('known')?.kind, 'busy')
  await Promise.all([...strangers, ...known])
  const hashed = order.filter((word) => word.endsWith('hashed'))
  const [stranger, person] = ['strangers hashed', 'known hashed']
  assert.deepEqual(hashed, [stranger, person, person, stranger, stranger])
  assert.deepEqual(order.filter((word) => word.endsWith('busy')).toSorted(), [
    'known busy',
    'strangers busy',
  ])
})

test('a queue in which nothing could run is a StartError', () => {
  for (const runningMax of [0, -1, 1.5, Number.NaN]) {
    assert.throws(() => createHasher({ runningMax }), StartError)
  }
  assert.throws(() => createHasher({ waitingMax: -1 }), StartError)
})

test('Retry-After is the time that the queue will take, as fast as it was lately', async () => {
  let nowMs = 0
  // Every look at this clock takes four seconds, so a job does.
  const slow = createHasher({
    runningMax: 1,
    waitingMax: 1,
    nowMs: () => {
      nowMs += 4000
      return nowMs
    },
  })
  const retryAfterSeconds = async (): Promise<number> => {
    const answers = await Promise.all(Array.from({ length: 3 }, () => slow.hash(password, 'known')))
    const busy = answers.find((answer) => answer.kind === 'busy')
    assert.ok(busy !== undefined)
    return busy.retryAfterSeconds
  }
  assert.equal(await retryAfterSeconds(), 1)
  for (let job = 0; job < 40; job += 1) await slow.hash(password, 'known')
  assert.equal(await retryAfterSeconds(), 8)
})

test('a job that fails leaves its place to the next', async () => {
  const narrow = createHasher({ runningMax: 1, cost: { memoryKib: 1, passes: 1, lanes: 1 } })
  await assert.rejects(narrow.hash(password, 'known'))
  const hash = await hashPassword(password)
  assert.deepEqual(await narrow.verify(hash, text, 'known'), match)
})

const fit: readonly HashCost[] = [
  { memoryKib: 47_104, passes: 1, lanes: 1 },
  { memoryKib: 19_456, passes: 2, lanes: 1 },
  { memoryKib: 12_288, passes: 3, lanes: 1 },
  { memoryKib: 9216, passes: 4, lanes: 1 },
  { memoryKib: 7168, passes: 5, lanes: 1 },
  { memoryKib: 7168, passes: 9, lanes: 4 },
  { memoryKib: 262_144, passes: 4, lanes: 16 },
]

test("a cost below OWASP's minimum, or beyond what a login can wait for, is at fault", () => {
  for (const cost of fit) assert.equal(hashCostFault(cost), undefined)
  const weak: readonly HashCost[] = [
    ...fit.slice(0, 6).map((cost) => ({ ...cost, memoryKib: Math.min(cost.memoryKib, 7168) - 1 })),
    { memoryKib: 47_103, passes: 1, lanes: 1 },
    { memoryKib: 19_455, passes: 2, lanes: 1 },
    { memoryKib: 47_104, passes: 0, lanes: 1 },
  ]
  for (const cost of weak) assert.match(hashCostFault(cost) ?? '', /weaker than OWASP/)
  const costly: readonly HashCost[] = [
    { memoryKib: 262_145, passes: 1, lanes: 1 },
    { memoryKib: 262_144, passes: 5, lanes: 1 },
    { memoryKib: 19_456, passes: 2, lanes: 17 },
  ]
  for (const cost of costly) assert.match(hashCostFault(cost) ?? '', /more than a login can wait/)
})
