import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { rules } from '../src/domain/anomalies/rules.ts'
import type { Answer } from './http-client.ts'
import { ask } from './http-client.ts'
import {
  alice,
  basic,
  formToken,
  jsonLogin,
  machine,
  startRunningIdentity,
} from './running-identity.ts'
import { admin, assertProblem, bob, call, signInHere, tokensOf } from './signed-in.ts'
import { waitUntil } from './wait-until.ts'

const identity = await startRunningIdentity({
  accounts: [alice, bob, admin],
  clients: [machine],
  file: { trustedProxies: ['127.0.0.1/32'] },
})
after(identity.close)
const administrator = (await signInHere(identity, admin)).access

const credentials = { identifier: alice.identifier, password: alice.password }
const route = 'GET /admin/anomalies'

interface Listed {
  readonly id: string
  readonly rule: string
  readonly severity: string
  readonly subject: string
  readonly evidence: Readonly<Record<string, unknown>>
  readonly suggested_action: string
  readonly first_seen: string
  readonly count: number
}

async function listed(query = ''): Promise<readonly Listed[]> {
  const answer = await call(identity, `${route}${query}`, { token: administrator })
  assert.equal(answer.status, 200, answer.body)
  return answer.members()['anomalies'] as readonly Listed[]
}

async function found(rule: string): Promise<Listed> {
  let anomaly: Listed | undefined
  await waitUntil(async () => {
    anomaly = (await listed(`?rule=${rule}`)).at(0)
    return anomaly !== undefined
  }, `${rule} is found`)
  return anomaly ?? assert.fail()
}

/** The proxy says where it comes from. */
function loginFrom(address: string, body: object, device = 'a laptop'): Promise<Answer> {
  const question = jsonLogin(JSON.stringify(body))
  const headers = { ...question.headers, 'x-forwarded-for': address, 'user-agent': device }
  return identity.ask({ ...question, headers })
}

test('many accounts that are tried from one network are told with what led to it, and what to do', async () => {
  for (let number = 0; number < 24; number += 1) {
    const body = { identifier: `nobody-${number}`, password: 'one of a list' }
    const answer = await loginFrom(`203.0.113.${number}`, body)
    assert.equal(answer.status, 401, answer.body)
  }
  const anomaly = await found('credential-stuffing')
  assert.equal(anomaly.severity, 'critical')
  assert.equal(anomaly.subject, '203.0.113.0/24')
  assert.deepEqual(anomaly.evidence['networks'], ['203.0.113.0/24'])
  assert.equal(anomaly.suggested_action, rules['credential-stuffing'].suggestion)
  assert.equal(anomaly.first_seen, new Date(identity.clock.now()).toISOString())
  assert.ok(!JSON.stringify(anomaly).includes('nobody-1'), 'an identifier is shown')

  // The one that fitted, from the same network.
  const guessed = tokensOf(await loginFrom('203.0.113.200', credentials, 'a script'))
  const login = await found('guessed-login')
  assert.equal(login.subject, guessed.accountId)
  assert.deepEqual(login.evidence['sessions'], [guessed.sessionId])

  const metrics = await ask(identity.operationsPort, { path: '/metrics' })
  const line = /portcullis_anomalies_total\{rule="credential-stuffing",severity="critical"\} 1/
  assert.match(metrics.body, line)
  assert.match(identity.logged(), /"rule":"credential-stuffing"[^\n]*"msg":"anomaly"/)
})

test('a device and an address that an account never had are noticed from its second login on', async () => {
  const { identifier, password } = bob
  await loginFrom('198.51.100.1', { identifier, password }, 'Browser/1.0')
  // A new version of the same at the same place, and another place with the same: nothing new.
  await loginFrom('198.51.100.1', { identifier, password }, 'Browser/2.0')
  await loginFrom('198.51.100.77', { identifier, password }, 'Browser/2.0')
  const { accountId } = tokensOf(
    await loginFrom('192.0.2.9', { identifier, password }, 'another one'),
  )
  const anomaly = await found('new-device')
  assert.deepEqual([anomaly.subject, anomaly.count], [accountId, 1])
  assert.equal(anomaly.severity, 'notice')
  assert.deepEqual(anomaly.evidence['networks'], ['192.0.2.0/24'])
})

test('a session that is used in turn from two networks is told, one that moves is not', async () => {
  const body = { ...credentials, audience: identity.issuer }
  const { access, sessionId } = tokensOf(await loginFrom('2001:db8:1:1::1', body))
  const look = async (address: string): Promise<void> => {
    identity.clock.advanceMs(30_000)
    const headers = { authorization: `Bearer ${access}`, 'x-forwarded-for': address }
    const answer = await identity.ask({ path: '/account', headers })
    assert.equal(answer.status, 200, answer.body)
  }
  // Within one household nothing is told.
  for (const address of ['2001:db8:1:2::1', '2001:db8:1:1::1', '2001:db8:1:3::1'])
    await look(address)
  for (const address of ['2001:db8:2::1', '2001:db8:1::1', '2001:db8:2::1', '2001:db8:1::1'])
    await look(address)
  await look('2001:db8:2::1')
  const anomaly = await found('session-in-several-networks')
  assert.equal(anomaly.subject, sessionId)
  assert.deepEqual(anomaly.evidence['networks'], ['2001:db8:2::/48', '2001:db8:1::/48'])
})

test('a refresh token that comes back is told, and so is a client that takes far too many tokens', async () => {
  const { refresh, sessionId, accountId } = await signInHere(identity, bob)
  const send = (token: string): Promise<Answer> =>
    identity.ask(
      formToken(
        new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token }).toString(),
      ),
    )
  const next = await send(refresh)
  identity.clock.advanceMs(31_000)
  const third = await send(String(next.members()['refresh_token']))
  assert.equal(third.status, 200)
  identity.clock.advanceMs(31_000)
  assert.equal((await send(refresh)).status, 400)
  const anomaly = await found('refresh-reuse')
  assert.equal(anomaly.subject, accountId)
  assert.deepEqual(anomaly.evidence['sessions'], [sessionId])
  const [record = ''] = anomaly.evidence['records'] as readonly string[]
  const [chain, seq] = record.split(':')
  const audit = await call(identity, `GET /admin/audit?session=${sessionId}`, {
    token: administrator,
  })
  const events = audit.members()['events'] as readonly Record<string, unknown>[]
  assert.ok(events.some((one) => one['chain'] === chain && one['seq'] === Number(seq)))

  const grant = { grant_type: 'client_credentials' }
  const take = (): Promise<Answer> =>
    identity.token(grant, basic(machine.clientId, machine.clientSecret))
  assert.equal((await take()).status, 200)
  await waitUntil(async () => {
    const rows = await identity.query(
      "SELECT subject FROM anomaly_states WHERE watcher = 'volume-of-client'",
    )
    return rows.length === 1
  }, 'the client is known')
  identity.clock.advanceMs(3 * 24 * 3_600_000)
  for (let token = 0; token < 101; token += 1) assert.equal((await take()).status, 200)
  const fresh = (await signInHere(identity, admin)).access
  await waitUntil(async () => {
    const answer = await call(identity, `${route}?rule=token-volume`, { token: fresh })
    return (answer.members()['anomalies'] as readonly Listed[]).length === 1
  }, 'the volume is told')
})

test('anomalies are asked for by rule, severity and time, page by page', async () => {
  const { access: token } = await signInHere(identity, admin)
  const get = async (query: string): Promise<Record<string, unknown>> => {
    const answer = await call(identity, `${route}${query}`, { token })
    assert.equal(answer.status, 200, answer.body)
    return answer.members()
  }
  const all = (await get(''))['anomalies'] as readonly Listed[]
  assert.ok(all.length >= 5, `only ${all.length} were found`)
  const ids: string[] = []
  let place = ''
  do {
    const page = await get(`?limit=2${place}`)
    ids.push(...(page['anomalies'] as readonly Listed[]).map(({ id }) => id))
    const { next } = page as { readonly next?: string }
    place = next === undefined ? '' : `&after=${next}`
  } while (place !== '')
  assert.deepEqual(
    ids,
    all.map(({ id }) => id),
  )
  const notices = (await get('?severity=notice'))['anomalies'] as readonly Listed[]
  assert.ok(notices.length > 0 && notices.length < all.length)
  assert.ok(notices.every(({ severity }) => severity === 'notice'))
  const now = new Date(identity.clock.now() - 60_000).toISOString()
  const late = (await get(`?since=${now}`))['anomalies'] as readonly Listed[]
  assert.deepEqual(
    late.map(({ rule }) => rule),
    ['token-volume'],
  )
  for (const query of ['?since=2026-02-30', '?rule=none', '?limit=201', '?after=x'])
    assertProblem(await call(identity, `${route}${query}`, { token }), 400, 'malformed')
  const { access } = await signInHere(identity)
  assertProblem(await call(identity, route, { token: access }), 403, 'insufficient-scope')
})
