import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { changePassword } from '../src/domain/password-change.ts'
import { login } from '../src/domain/login.ts'
import type { HashedPassword } from '../src/domain/passwords.ts'
import { createAfterwards } from '../src/afterwards.ts'
import { createChosenClock } from './chosen-clock.ts'
import { firstBase } from './first-base.ts'
import { createLogInMemory, startRunningIdentity } from './running-identity.ts'
import type { StoreParts } from './store-parts.ts'
import { accountOf, commandLine, loginWith, openPartsAt, sessionOf } from './store-parts.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

type Parts = StoreParts['parts']
type Job = () => Promise<void>

const old = 'hash of alice-password'
const next = 'new hash of alice-password'

/** A store whose hasher finds each hash outdated but the one that it would make now. */
async function openOutdated(
  t: TestContext,
): Promise<{ readonly store: StoreParts; readonly parts: Parts; readonly jobs: Job[] }> {
  const folder = createTemporaryFolder()
  const store = await openPartsAt(
    `sqlite:${join(folder.path, 'identity.db')}`,
    createChosenClock().now,
  )
  t.after(async () => {
    await store.database.close()
    folder.remove()
  })
  const jobs: Job[] = []
  const parts: Parts = {
    ...store.parts,
    afterwards: (job) => jobs.push(job),
    passwords: {
      hash: async (password) => ({ kind: 'hashed', passwordHash: `new hash of ${password}` }),
      verify: async (hash, typed) => {
        if (!hash.endsWith(`hash of ${typed}`)) return { kind: 'mismatch' }
        return hash.startsWith('new') ? { kind: 'match' } : { kind: 'match', rehash: true }
      },
      whenFull: () => undefined,
    },
  }
  return { store, parts, jobs }
}

async function hashIn(store: StoreParts): Promise<string> {
  return (await accountOf(store)).passwordHash
}

test('a login with an outdated hash is answered first, and then the hash is replaced', async (t) => {
  const { store, parts, jobs } = await openOutdated(t)
  const { sessionId } = await loginWith(parts)
  assert.equal(await hashIn(store), old)
  assert.equal(jobs.length, 1)
  await jobs[0]?.()
  assert.equal(await hashIn(store), next)
  const { generation, loginFloor } = await accountOf(store)
  assert.deepEqual({ generation, loginFloor }, { generation: firstBase, loginFloor: firstBase })
  assert.ok(!(await sessionOf(parts, sessionId)).isEnded, 'nothing changes for anybody')
  await loginWith(parts)
  assert.equal(jobs.length, 1, 'once is enough')
})

test('whoever is not signed in changes no hash', async (t) => {
  const { store, parts, jobs } = await openOutdated(t)
  const wrong = await login(parts, { identifier: 'alice', password: 'wrong' })
  assert.deepEqual(wrong, { kind: 'refused', why: 'bad-credentials' })
  const { id: accountId } = await accountOf(store)
  await parts.accounts.block({ accountId, actor: commandLine, reason: 'theft' })
  const blocked = await login(parts, { identifier: 'alice', password: 'alice-password' })
  assert.deepEqual(blocked, { kind: 'refused', why: 'account-blocked' })
  assert.equal(jobs.length, 0)
})

test('a password that was changed meanwhile stays changed', async (t) => {
  const { store, parts, jobs } = await openOutdated(t)
  const { sessionId } = await loginWith(parts)
  const passwords = { current: 'alice-password', new: 'another password' }
  const changed = await changePassword(parts, await sessionOf(parts, sessionId), passwords)
  assert.equal(changed.kind, 'changed')
  await jobs[0]?.()
  assert.equal(await hashIn(store), 'new hash of another password')
})

async function busy(): Promise<HashedPassword> {
  return { kind: 'busy', retryAfterSeconds: 1 }
}

test('when the queue is full the old hash stays for another time', async (t) => {
  const { store, parts, jobs } = await openOutdated(t)
  await loginWith({ ...parts, passwords: { ...parts.passwords, hash: busy } })
  await jobs[0]?.()
  assert.equal(await hashIn(store), old)
})

test('work after an answer that fails is logged, and what was started is waited for', async () => {
  const { log, logged } = createLogInMemory()
  const { run, settled } = createAfterwards(log)
  const { promise: held, resolve: release } = Promise.withResolvers<undefined>()
  run(async () => {
    await held
    throw new Error('the disk is full')
  })
  const waited = settled()
  const soon = new Promise((resolve) => setImmediate(resolve, 'still waiting'))
  assert.equal(await Promise.race([waited, soon]), 'still waiting')
  release(undefined)
  await waited
  assert.match(logged(), /work after an answer failed/)
  assert.match(logged(), /the disk is full/)
})

test('imported hashes are argon2id after the first login, and sign in before and after', async (t) => {
  // Two of passlib's vectors, and one of Django's.
  const imported: readonly (readonly [string, string, string])[] = [
    [
      'carol',
      't\u00e1\u0411\u2113\u0259',
      '$2b$05$Z17AXnnlpzddNUvnC6cZNOSwMA/8oNiKnHTHTwLlBijfucQQlHjaG',
    ],
    [
      'dave',
      'password',
      '$scrypt$ln=8,r=2,p=1$dO6d0xoDoLT2PofQGoNQag$g/Wf2A0vhHhaJM+addK61QPBthSmYB6uVTtQzh8CM3o',
    ],
    [
      'erin',
      'not a password',
      'pbkdf2_sha256$10000$kjVJaVz6qsnJ$5yPHw3rwJGECpUf70daLGhOrQ5+AMxIJdz1c3bqK1Rs=',
    ],
  ]
  const identity = await startRunningIdentity({
    accounts: imported.map(([identifier, , passwordHash]) => ({
      identifier,
      passwordHash,
      roles: [],
    })),
  })
  for (const [identifier, password] of imported) {
    assert.equal((await identity.login({ identifier, password: `${password}x` })).status, 401)
    assert.equal((await identity.login({ identifier, password })).status, 200, identifier)
  }
  // It ends when all that was begun is done.
  const again = await identity.restart()
  t.after(again.close)
  const rows = await again.query('SELECT password_hash AS hash FROM accounts')
  const hashes = rows.map(({ hash }) => hash)
  assert.equal(hashes.length, imported.length)
  for (const hash of hashes) assert.match(String(hash), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  for (const [identifier, password] of imported) {
    assert.equal((await again.login({ identifier, password })).status, 200, identifier)
  }
})

test('the cost of a hash in the settings reaches the login, and one that is too low is refused', async (t) => {
  const password = randomBytes(16).toString('hex')
  const accounts = [{ identifier: 'alice', password, roles: [] }]
  const hashCost = { memoryKib: 7168, passes: 6, lanes: 1 }
  const identity = await startRunningIdentity({ accounts, file: { passwords: { hashCost } } })
  assert.equal((await identity.login({ identifier: 'alice', password })).status, 200)
  const again = await identity.restart()
  t.after(again.close)
  const [row] = await again.query('SELECT password_hash AS hash FROM accounts')
  assert.match(String(row?.['hash']), /^\$argon2id\$v=19\$m=7168,t=6,p=1\$/)
  await assert.rejects(
    startRunningIdentity({ file: { passwords: { hashCost: { ...hashCost, passes: 4 } } } }),
    /7168 KiB, 4 passes and 1 lanes is weaker than OWASP's minimum/,
  )
})
