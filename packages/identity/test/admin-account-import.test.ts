import assert from 'node:assert/strict'
import { createHash, pbkdf2Sync, scryptSync } from 'node:crypto'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { hash as hashArgon2 } from '@node-rs/argon2'
import { hash as hashBcrypt } from '@node-rs/bcrypt'
import type { Answer } from './http-client.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, ordersAndReviews, startRunningIdentity } from './running-identity.ts'
import { admin, assertProblem, call, signInHere } from './signed-in.ts'

interface Started {
  readonly identity: RunningIdentity
  readonly adminId: string
  readonly importing: (accounts: readonly object[], more?: object) => Promise<Answer>
  /** What has become of each account, without its id. */
  readonly outcomesOf: (accounts: readonly object[], more?: object) => Promise<readonly Result[]>
}

type Result = Readonly<Record<string, unknown>>

async function start(t: TestContext): Promise<Started> {
  const identity = await startRunningIdentity({
    accounts: [alice, admin],
    file: { audiences: ordersAndReviews.audiences },
  })
  t.after(identity.close)
  const { access: token, accountId: adminId } = await signInHere(identity, admin)
  const importing: Started['importing'] = (accounts, more) =>
    call(identity, 'POST /admin/accounts/import', { token, body: { accounts, ...more } })
  const outcomesOf: Started['outcomesOf'] = async (accounts, more) => {
    const answer = await importing(accounts, more)
    assert.equal(answer.status, 200, answer.body)
    const results = answer.members()['results'] as readonly Result[]
    assert.equal(results.length, accounts.length)
    return results.map(({ id: _id, ...others }) => others)
  }
  return { identity, adminId, importing, outcomesOf }
}

const password = 'correct horse battery staple'
const salt = Buffer.from('a salt of 16 oct')
const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')

async function hashes(): Promise<Readonly<Record<string, string>>> {
  const pbkdf2 = pbkdf2Sync(password, salt, 1000, 32, 'sha256')
  const scrypt = scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 })
  return {
    argon2: await hashArgon2(password, { memoryCost: 1024 }),
    bcrypt: await hashBcrypt(password, 4),
    pbkdf2: `$pbkdf2-sha256$i=1000$${base64(salt)}$${base64(pbkdf2)}`,
    scrypt: `$scrypt$ln=10,r=8,p=1$${base64(salt)}$${base64(scrypt)}`,
  }
}

const anyHash = await hashBcrypt(password, 4)

test('whoever is imported signs in with the password of the other system, whatever hashed it', async (t) => {
  const { identity, outcomesOf } = await start(t)
  const each = Object.entries(await hashes())
  assert.equal(each.length, 4)
  const outcomes = await outcomesOf(
    each.map(([identifier, text]) => ({ identifier, password_hash: text })),
  )
  for (const [index, [identifier]] of each.entries()) {
    assert.deepEqual(outcomes[index], { outcome: 'created', identifier })
    const answer = await identity.login({ identifier, password })
    assert.equal(answer.status, 200, `${identifier}: ${answer.body}`)
    const wrong = await identity.login({ identifier, password: `${password}.` })
    assert.equal(wrong.status, 401)
  }
})

test('an account comes with roles, attributes and address, blocked if it was, and with its events', async (t) => {
  const { identity, adminId, outcomesOf } = await start(t)
  const reason = 'the old shop is closed'
  const carol = {
    identifier: 'Carol@Mail.example',
    password_hash: anyHash,
    email_verified: true,
    roles: ['customer'],
    attributes: { tenant: 'north', seats: 3 },
  }
  const dave = {
    identifier: 'dave',
    password_hash: anyHash,
    email: 'Dave@mail.example',
    blocked: true,
  }
  assert.deepEqual(await outcomesOf([carol, dave], { reason }), [
    { outcome: 'created', identifier: 'carol@mail.example' },
    { outcome: 'created', identifier: 'dave' },
  ])
  const { access: token } = await signInHere(identity, { identifier: carol.identifier, password })
  const account = (await call(identity, 'GET /account', { token })).members()
  assert.deepEqual(
    [account['roles'], account['attributes'], account['email'], account['email_verified']],
    [carol.roles, carol.attributes, 'carol@mail.example', true],
  )
  assertProblem(await identity.login({ identifier: 'dave', password }), 403, 'account-blocked')
  const rows = await identity.query(
    `SELECT identifier, kind, actor, reason, email, email_verified_at FROM events JOIN accounts
     ON account_id = accounts.id WHERE kind LIKE 'account-%' ORDER BY events.id`,
  )
  assert.deepEqual(
    rows.map(({ identifier, kind }) => [identifier, kind]),
    [
      ['carol@mail.example', 'account-created'],
      ['dave', 'account-created'],
      ['dave', 'account-blocked'],
    ],
  )
  for (const row of rows) assert.deepEqual([row['actor'], row['reason']], [adminId, reason])
  const blocked = rows[1]
  assert.deepEqual(
    [blocked?.['email'], blocked?.['email_verified_at']],
    ['dave@mail.example', null],
  )
})

const mistakes: readonly (readonly [object, readonly string[]])[] = [
  [{}, ['/password_hash is required']],
  [{ password_hash: 5 }, ['/password_hash must be string']],
  [
    { password_hash: createHash('md5').update(password).digest('hex') },
    ['/password_hash is of no kind'],
  ],
  [{ password_hash: `${anyHash}x` }, ['/password_hash is damaged']],
  [{ password_hash: anyHash.replace('$04$', '$15$') }, ['/password_hash is too costly']],
  [{ password_hash: anyHash, identifier: 'two words' }, ['/identifier must not contain spaces']],
  [{ password_hash: anyHash, email: 'nowhere' }, ['/email is not an e-mail address']],
  [{ password_hash: anyHash, email_verified: true }, ['/email_verified needs an address']],
  [{ password_hash: anyHash, roles: ['customer', 'king'] }, ['/roles/1 is not a known role']],
  [
    { password_hash: anyHash, attributes: { tenant: 'x'.repeat(257) } },
    ['/attributes/tenant must not'],
  ],
  [{ password_hash: anyHash, attributes: { [anyHash]: 1 } }, ['/attributes has a name that']],
  [{ password_hash: anyHash, passwordHash: 'x' }, ['/passwordHash is not known here']],
  [{ password_hash: anyHash, [anyHash]: 'x' }, [' has a member that is not known']],
  [
    { password_hash: 'x', email: 'nowhere', identifier: 'x@mail.example', roles: ['king'] },
    ['/email is not', '/password_hash is of no kind', '/roles/0 is not a known role'],
  ],
]

test('each mistake of each account is named, and keeps nobody else out', async (t) => {
  const { identity, importing } = await start(t)
  const fit = { identifier: 'fit', password_hash: anyHash }
  const mistaken = mistakes.map(([members]) => ({ identifier: 'eve', ...members }))
  const answer = await importing([...mistaken, fit])
  const results = answer.members()['results'] as readonly Result[]
  assert.ok(mistakes.length > 0)
  for (const [index, [, expected]] of mistakes.entries()) {
    const { outcome, errors } = results[index] ?? {}
    assert.equal(outcome, 'mistaken', JSON.stringify(mistaken[index]))
    const said = (errors as readonly { field: string; message: string }[]).map(
      ({ field, message }) => `${field} ${message}`,
    )
    assert.equal(said.length, expected.length, said.join())
    for (const [at, text] of expected.entries()) assert.ok(said[at]?.startsWith(text), said.join())
  }
  assert.equal(results.at(-1)?.['outcome'], 'created')
  assert.equal(await identity.countRows('accounts'), 3)
  for (const secret of [anyHash, '$15$', 'king', 'nowhere']) {
    assert.ok(!answer.body.includes(secret), `the answer repeats ${secret}`)
    assert.ok(!identity.logged().includes(secret), `the log has ${secret}`)
  }
})

test('a rehearsal tells the same and changes nothing; who is there already is left alone', async (t) => {
  const { identity, outcomesOf } = await start(t)
  const accounts = [
    { identifier: 'carol', password_hash: anyHash },
    { identifier: 'ＣＡＲＯＬ', password_hash: anyHash, roles: ['customer'] },
    { identifier: 'alice', password_hash: anyHash },
    { identifier: 'dave', password_hash: 'x' },
  ]
  const kinds = async (more?: object): Promise<readonly unknown[]> =>
    (await outcomesOf(accounts, more)).map(({ outcome }) => outcome)
  const rehearsed = await kinds({ dry_run: true })
  assert.deepEqual(rehearsed, ['importable', 'exists', 'exists', 'mistaken'])
  assert.equal(await identity.countRows('accounts'), 2)
  assert.deepEqual(await kinds(), ['created', 'exists', 'exists', 'mistaken'])
  assert.deepEqual(await kinds(), ['exists', 'exists', 'exists', 'mistaken'])
  const [row] = await identity.query("SELECT roles FROM accounts WHERE identifier = 'carol'")
  assert.equal(row?.['roles'], '[]', 'the first of two counts')
  const { identifier, password: kept } = alice
  const still = await identity.login({ identifier, password: kept })
  assert.equal(still.status, 200, 'a password was replaced')
})

test('only administrators import, and at most 100 accounts at once', async (t) => {
  const { identity, importing } = await start(t)
  const accounts = [{ identifier: 'x', password_hash: anyHash }]
  const body = { accounts }
  assertProblem(await call(identity, 'POST /admin/accounts/import', { body }), 401, 'missing-token')
  const { access: token } = await signInHere(identity, alice)
  const refused = await call(identity, 'POST /admin/accounts/import', { token, body })
  assertProblem(refused, 403, 'insufficient-scope')
  assertProblem(await importing([]), 400, 'malformed')
  assertProblem(await importing(Array.from({ length: 101 }, () => ({}))), 400, 'malformed')
})
