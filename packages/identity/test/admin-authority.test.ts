import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { after, before, test } from 'node:test'
import type { AccessTokenClaims } from '@portcullis/protocol'
import { createSealer } from '../src/domain/sealing.ts'
import { decodeToken } from './decoded-token.ts'
import type { Answer } from './http-client.ts'
import type { InertRequest } from './inert-requests.ts'
import { inertRequests } from './inert-requests.ts'
import { createMailbox } from './mailbox.ts'
import { open, openStore } from './opened-keyring.ts'
import type { RunningIdentity } from './running-identity.ts'
import {
  alice,
  basic,
  machine,
  ordersAndReviews,
  startRunningIdentity,
} from './running-identity.ts'
import {
  admin,
  assertChallenged,
  assertProblem,
  bob,
  call,
  isWelcome,
  positionOf,
  signIn,
  signInHere,
} from './signed-in.ts'
import { listServerRoutes } from './server-routes.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

const adminRoutesMin = 28

let identity: RunningIdentity

before(async () => {
  const deputies = ['deputy', 'leaver'].map((identifier) => ({ ...admin, identifier }))
  identity = await startRunningIdentity({
    accounts: [alice, bob, admin, ...deputies],
    mailer: createMailbox(),
    // A waiting key may sign soon.
    file: { jwksMaxAgeSeconds: 1, clients: ordersAndReviews.clients },
  })
})

after(() => identity.close())

/** Asked of the server, so that a route that somebody adds is among them. */
async function adminRoutes(t: TestContext): Promise<readonly string[]> {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  const routes = await listServerRoutes(t, `sqlite:${folder.path}/routes.db`)
  const found = routes.map(({ name }) => name).filter((name) => /^[A-Z]+ \/admin\//.test(name))
  assert.ok(found.length >= adminRoutesMin, `only ${found.length} routes were found`)
  return found
}

function inertAt(route: string): InertRequest {
  const found = inertRequests.find((request) => request.route === route)
  assert.ok(found !== undefined, `${route} has no request`)
  return found
}

function send({ route, json, query }: InertRequest, token?: string): Promise<Answer> {
  const search = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`
  const path = route.replaceAll(/:\w+/g, 'A'.repeat(22))
  return call(identity, `${path}${search}`, {
    ...(token === undefined ? {} : { token }),
    ...(json === undefined ? {} : { body: json }),
  })
}

/** Signed as identity signs, which would never make it. */
async function forge(t: TestContext, claims: object): Promise<string> {
  const database = await openStore(t, identity.database, identity.clock.now)
  const keyring = await open(database, {
    sealer: createSealer(identity.sealingKey, randomBytes),
    wanted: new Set(['RS256']),
  })
  return keyring.sign(claims as AccessTokenClaims, 'RS256')
}

async function strangers(t: TestContext): Promise<{
  readonly challenged: ReadonlyMap<string, string | undefined>
  readonly forbidden: ReadonlyMap<string, string>
}> {
  const { issuer } = identity
  const tokenFor = async (audience: string | readonly string[]): Promise<string> =>
    (await signIn(identity, admin, { audience })).access
  const { access: good } = await signInHere(identity, admin)
  const { claims } = decodeToken(good)
  // The key is the right one: what is wrong with the other token is its audience.
  assert.ok(await isWelcome(identity, await forge(t, claims)))
  const forSeveral = await forge(t, { ...claims, aud: [issuer, 'orders'] })
  const signedOut = (await signInHere(identity, admin)).access
  positionOf(await call(identity, 'POST /logout', { token: signedOut }))
  const blocked = await signInHere(identity, { ...admin, identifier: 'leaver' })
  const { access: token } = await signInHere(identity, admin)
  const body = { reason: 'a test' }
  positionOf(
    await call(identity, `POST /admin/accounts/${blocked.accountId}/block`, { token, body }),
  )
  const asMachine = basic(machine.clientId, machine.clientSecret)
  const grant = { grant_type: 'client_credentials', audience: issuer }
  return {
    challenged: new Map([
      ['no token', undefined],
      ['no token of ours', 'x.y.z'],
      ['another audience', await tokenFor('orders')],
      ['several services', await tokenFor(['orders', 'reviews'])],
      ['several audiences, the issuer among them', forSeveral],
      ['a session that ended', signedOut],
      ['a blocked administrator', blocked.access],
    ]),
    forbidden: new Map([
      ['a person without the role', (await signInHere(identity, alice)).access],
      ['a machine', String((await identity.token(grant, asMachine)).members()['access_token'])],
    ]),
  }
}

test('every admin route wants the role, in a live token for the issuer alone', async (t) => {
  const routes = await adminRoutes(t)
  const { challenged, forbidden } = await strangers(t)
  const { access: token } = await signInHere(identity, admin)
  let asked = 0
  for (const route of routes) {
    const request = inertAt(route)
    for (const [who, stranger] of challenged) {
      const answer = await send(request, stranger)
      assert.equal(answer.status, 401, `${route} with ${who}: ${answer.body}`)
      assertChallenged(answer)
      asked += 1
    }
    for (const [who, stranger] of forbidden) {
      const answer = await send(request, stranger)
      assert.equal(answer.status, 403, `${route} with ${who}: ${answer.body}`)
      assertProblem(answer, 403, 'insufficient-scope')
      asked += 1
    }
    const answer = await send(request, token)
    assert.equal(answer.status, request.status, `${route}: ${answer.body}`)
  }
  assert.equal(asked, routes.length * 9)
})

interface Change {
  readonly path?: (subjects: Subjects) => string
  readonly body: (subjects: Subjects) => object
  /** Of the event that says who and why. */
  readonly event: string
}

interface Subjects {
  readonly accountId: string
  readonly sessionId: string
  /** Of a key that has not signed the token of who asks. */
  readonly kid: string
  readonly clientId: string
  readonly streamId: string
}

const onAccount = (what: string, body: object, event: string): Change => ({
  path: ({ accountId }) => `/admin/accounts/${accountId}${what}`,
  body: () => body,
  event,
})

const onClient = (what: string, body: object, event: string): Change => ({
  path: ({ clientId }) => `/admin/clients/${clientId}${what}`,
  body: () => body,
  event,
})

const password = 'a long enough phrase'
const webhook = { endpoint_url: 'https://hook.example/', events: ['account-enabled'] }
const service = { grants: ['client_credentials'], audiences: ['orders'] }

/** What every admin route that changes something is asked to change, in an order in which each does. */
const changes: ReadonlyMap<string, Change> = new Map([
  [
    'POST /admin/accounts',
    { body: () => ({ identifier: 'made', password }), event: 'account-created' },
  ],
  [
    'POST /admin/accounts/import',
    {
      body: () => ({
        accounts: [
          {
            identifier: 'imported',
            password_hash: `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
          },
        ],
      }),
      event: 'account-created',
    },
  ],
  ['PATCH /admin/accounts/:id', onAccount('', { email: 'bob@mail.example' }, 'email-changed')],
  ['POST /admin/accounts/:id/roles', onAccount('/roles', { roles: ['auditor'] }, 'roles-changed')],
  [
    'DELETE /admin/sessions/:sid',
    {
      path: ({ sessionId }) => `/admin/sessions/${sessionId}`,
      body: () => ({}),
      event: 'session-ended',
    },
  ],
  ['POST /admin/accounts/:id/logout', onAccount('/logout', {}, 'all-sessions-ended')],
  ['POST /admin/accounts/:id/block', onAccount('/block', {}, 'account-blocked')],
  ['POST /admin/accounts/:id/unblock', onAccount('/unblock', {}, 'account-unblocked')],
  ['POST /admin/accounts/:id/reset', onAccount('/reset', {}, 'reset-forced')],
  [
    'POST /admin/accounts/logout',
    { body: ({ accountId }) => ({ ids: [accountId] }), event: 'all-sessions-ended' },
  ],
  [
    'POST /admin/accounts/block',
    { body: ({ accountId }) => ({ ids: [accountId] }), event: 'account-blocked' },
  ],
  ['POST /admin/clients', { body: () => ({ ...service, name: 'made' }), event: 'client-created' }],
  ['PATCH /admin/clients/:id', onClient('', { audiences: ['reviews'] }, 'client-changed')],
  [
    'POST /admin/clients/:id/rotate-secret',
    onClient('/rotate-secret', {}, 'client-secret-rotated'),
  ],
  [
    'POST /admin/clients/:id/revoke-tokens',
    onClient('/revoke-tokens', {}, 'client-tokens-revoked'),
  ],
  ['POST /admin/clients/:id/disable', onClient('/disable', {}, 'client-disabled')],
  ['POST /admin/clients/:id/enable', onClient('/enable', {}, 'client-enabled')],
  ['DELETE /admin/clients/:id', onClient('', {}, 'client-deleted')],
  ['POST /admin/keys/rotate', { body: () => ({}), event: 'keys-rotated' }],
  [
    'POST /admin/keys/:kid/withdraw',
    { path: ({ kid }) => `/admin/keys/${kid}/withdraw`, body: () => ({}), event: 'key-withdrawn' },
  ],
  ['DELETE /admin/accounts/:id', onAccount('', {}, 'account-deleted')],
  ['POST /admin/streams', { body: () => webhook, event: 'stream-created' }],
  [
    'POST /admin/streams/:id/redeliver',
    {
      path: ({ streamId }) => `/admin/streams/${streamId}/redeliver`,
      body: () => ({}),
      event: 'stream-changed',
    },
  ],
  [
    'DELETE /admin/streams/:id',
    {
      path: ({ streamId }) => `/admin/streams/${streamId}`,
      body: () => ({}),
      event: 'stream-deleted',
    },
  ],
  // The last one: it ends the session of who asks as well.
  [
    'POST /admin/sessions/end-all',
    { body: () => ({ issuer: identity.issuer }), event: 'all-sessions-ended' },
  ],
])

/** It only reads; it is no GET because its anchors are too long for a query, and because it costs so much. */
const changesNothing: ReadonlySet<string> = new Set(['POST /admin/audit/verify'])

test('every change that an administrator makes is kept with who made it and why', async (t) => {
  const routes = (await adminRoutes(t)).filter(
    (name) => !name.startsWith('GET ') && !changesNothing.has(name),
  )
  assert.deepEqual([...changes.keys()].toSorted(), routes.toSorted())
  identity.clock.advanceMs(10 * 60_000)
  const { access: token, accountId: actor } = await signInHere(identity, admin)
  const { accountId, sessionId } = await signIn(identity, bob)
  const [key] = await identity.query(
    "SELECT kid FROM signing_keys WHERE algorithm = 'ES256' AND purpose = 'access-token'",
  )
  const body = { ...service, name: 'changed', reason: 'to be changed' }
  const made = await call(identity, 'POST /admin/clients', { token, body })
  const clientId = String(made.members()['client_id'])
  const stream = await call(identity, 'POST /admin/streams', { token, body: webhook })
  const streamId = String(stream.members()['id'])
  const subjects = { accountId, sessionId, clientId, streamId, kid: String(key?.['kid']) }
  for (const [route, { path, body: bodyOf, event }] of changes) {
    const reason = `because of ${route}`
    const [method = '', pattern = ''] = route.split(' ')
    const asked = `${method} ${path?.(subjects) ?? pattern}`
    const answer = await call(identity, asked, { token, body: { ...bodyOf(subjects), reason } })
    assert.ok(answer.status < 300, `${route}: ${answer.status} ${answer.body}`)
    const kept = await identity.query(
      `SELECT kind, actor FROM events WHERE reason = '${reason}' ORDER BY id`,
    )
    assert.deepEqual(
      kept.map((one) => ({ ...one })),
      [{ kind: event, actor }],
      route,
    )
  }
})
