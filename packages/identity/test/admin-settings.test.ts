import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { SettingsSources } from '../src/index.ts'
import {
  bootstrap,
  describeIdentitySettings,
  readIdentitySettings,
  startIdentity,
} from '../src/index.ts'
import { holdAgainstDocument } from './api-answers.ts'
import { ask } from './http-client.ts'
import { createLogInMemory, ordersAndReviews, startRunningIdentity } from './running-identity.ts'
import { admin, call, signInHere } from './signed-in.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

interface Shown {
  readonly name: string
  readonly value: unknown
  readonly source?: string
  readonly by?: string
  readonly secret?: true
}

const key = (): string => randomBytes(32).toString('base64')

/** As the command starts it: from a file and an environment. */
async function startFrom(t: TestContext, sources: Omit<SettingsSources, 'file'>, file: object) {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  const path = join(folder.path, 'identity.json')
  const database = `sqlite:${join(folder.path, 'identity.db')}`
  writeFileSync(path, JSON.stringify({ ...ordersAndReviews, ...file, database }))
  const all = { ...sources, file: path }
  const { settings, secrets } = readIdentitySettings(all)
  await bootstrap({ database, accounts: [admin], clients: [] })
  const { log } = createLogInMemory()
  const identity = await startIdentity(settings, { ...secrets, log })
  t.after(identity.close)
  return { port: identity.port, sources: all }
}

test('the settings that an administrator sees are those that --print-config shows', async (t) => {
  const smtp = 'smtps://mailer:hunter2@mail.example'
  const environment = {
    PORTCULLIS_SEALING_KEY: key(),
    PORTCULLIS_REFRESH_PEPPER: key(),
    PORTCULLIS_REFRESH_PEPPER_PREVIOUS: key(),
    PORTCULLIS_MAIL_SMTP_URL: smtp,
    PORTCULLIS_KEY_ROTATION_DAYS: '7',
  }
  const file = { mail: { from: 'id@mail.example' } }
  const { port, sources } = await startFrom(t, { environment }, file)
  const { identifier, password } = admin as { identifier: string; password: string }
  const login = await ask(port, {
    method: 'POST',
    path: '/login',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ identifier, password, audience: ordersAndReviews.issuer }),
  })
  const question = {
    method: 'GET',
    path: '/admin/settings',
    headers: { authorization: `Bearer ${String(login.members()['access_token'])}` },
  }
  const answer = await ask(port, question)
  assert.equal(answer.status, 200, answer.body)
  holdAgainstDocument(question, answer)
  for (const secret of [
    'hunter2',
    ...Object.values(environment).filter((one) => one.length > 40),
  ]) {
    assert.ok(!answer.body.includes(secret))
  }
  const shown = answer.members()['settings'] as readonly Shown[]
  const printed = describeIdentitySettings(sources)
  const { audiences: _audiences, roles: _roles, clients: _clients, ...values } = printed.settings
  assert.deepEqual(
    Object.fromEntries(
      shown
        .filter(({ secret }) => secret === undefined)
        .map(({ name, value, source, by }) => [
          name,
          { value, from: source, ...(by !== undefined && { by }) },
        ]),
    ),
    values,
  )
  const ofSecrets = shown.filter(({ secret }) => secret === true)
  assert.deepEqual(
    Object.fromEntries(ofSecrets.map(({ name, value }) => [name, value])),
    printed.secrets,
  )
  assert.equal(printed.secrets['PORTCULLIS_REFRESH_PEPPER_PREVIOUS'], 'set')
  assert.equal(printed.secrets['PORTCULLIS_SEALING_KEY_PREVIOUS'], 'not set')
})

test('an administrator sees which roles, audiences and clients there are to choose from', async (t) => {
  const identity = await startRunningIdentity({ accounts: [admin] })
  t.after(identity.close)
  const { access: token } = await signInHere(identity, admin)
  const answer = await call(identity, 'GET /admin/settings', { token })
  const { audiences, roles, clients } = answer.members() as Readonly<
    Record<string, readonly Readonly<Record<string, unknown>>[]>
  >
  const facts = { encrypted: false, dpop_required: false, claims: {} }
  assert.deepEqual(audiences?.slice(1), [
    {
      name: 'reviews',
      built_in: false,
      scopes: ['reviews:write'],
      roles: ['customer', 'moderator'],
      access_token_seconds: 300,
      algorithms: ['RS256'],
      ...facts,
    },
    {
      name: 'payments',
      built_in: false,
      scopes: ['payments:make'],
      roles: [],
      access_token_seconds: 900,
      algorithms: ['ES256'],
      ...facts,
    },
    {
      name: identity.issuer,
      built_in: true,
      scopes: ['revocations.read', 'ssf.manage', 'ssf.read'],
      roles: ['identity-admin'],
      access_token_seconds: 900,
      algorithms: ['RS256'],
      ...facts,
    },
  ])
  const ofCustomer = { orders: ['orders:read', 'orders:write'], reviews: ['reviews:write'] }
  assert.deepEqual(roles, [
    { name: 'admin', built_in: false, scopes: {} },
    { name: 'auditor', built_in: false, scopes: { orders: ['orders:read'] } },
    { name: 'customer', built_in: false, scopes: ofCustomer },
    { name: 'identity-admin', built_in: true, scopes: {} },
    { name: 'moderator', built_in: false, scopes: {} },
  ])
  assert.deepEqual(
    clients?.map(({ name }) => name),
    ['web', 'till', 'closed', 'portcullis-pages'],
  )
  assert.deepEqual(clients?.[1], {
    name: 'till',
    public: true,
    grants: ['login'],
    audiences: ['payments'],
  })
})
