import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { StartError } from '@portcullis/runtime'
import { parseIdentitySettings } from '../src/index.ts'
import type { Answer } from './http-client.ts'
import { jsonLogin, alice, ordersAndReviews, startRunningIdentity } from './running-identity.ts'
import type { RunningIdentity } from './running-identity.ts'
import { testOnEngines } from './engines.ts'
import type { Engine } from './engines.ts'
import { createStream, newReceiver, receiverToken, takeEvents } from './receivers.ts'
import { admin, bob, call, refreshWith, signInHere, tokensOf } from './signed-in.ts'
import type { Tokens } from './signed-in.ts'
import { waitUntil } from './wait-until.ts'

const partner = newReceiver('partner')

async function start(
  t: TestContext,
  engine: Engine,
  anomalies: object,
): Promise<{ readonly identity: RunningIdentity; readonly administrator: () => Promise<string> }> {
  const identity = await startRunningIdentity({
    database: await engine.createStore(t),
    accounts: [alice, bob, admin],
    clients: [partner],
    file: { trustedProxies: ['127.0.0.1/32'], refreshGraceSeconds: 1, anomalies },
  })
  t.after(identity.close)
  return { identity, administrator: async () => (await signInHere(identity, admin)).access }
}

interface Listed {
  readonly id: string
  readonly rule: string
  readonly subject: string
  readonly action?: string
}

async function actedOn(
  identity: RunningIdentity,
  token: string,
  count = 1,
): Promise<readonly Listed[]> {
  let acted: readonly Listed[] = []
  await waitUntil(async () => {
    const answer = await call(identity, 'GET /admin/anomalies', { token })
    acted = (answer.members()['anomalies'] as readonly Listed[]).filter(
      ({ action }) => action !== undefined,
    )
    return acted.length >= count
  }, 'rules have acted')
  return acted
}

/** What is done at once has no order. */
function sorted(words: readonly unknown[]): readonly string[] {
  return words.map(String).toSorted()
}

/** Somebody else sends an old refresh token of it. */
async function steal(identity: RunningIdentity, { refresh }: Tokens): Promise<void> {
  const next = await refreshWith(identity, refresh)
  identity.clock.advanceMs(2000)
  await refreshWith(identity, String(next.members()['refresh_token']))
  identity.clock.advanceMs(2000)
  assert.equal((await refreshWith(identity, refresh)).status, 400)
}

function accountFrom(identity: RunningIdentity, token: string, address: string): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}`, 'x-forwarded-for': address }
  return identity.ask({ path: '/account', headers })
}

async function copySession(identity: RunningIdentity, { access }: Tokens): Promise<void> {
  for (let use = 0; use < 6; use += 1) {
    identity.clock.advanceMs(20_000)
    const address = use % 2 === 0 ? '203.0.113.1' : '198.51.100.1'
    assert.equal((await accountFrom(identity, access, address)).status, 200)
  }
}

testOnEngines(
  'a copied session is ended by itself where that was chosen, and the record says by which rule',
  async (t, engine) => {
    const { identity, administrator } = await start(t, engine, {
      endSessionFor: ['session-in-several-networks'],
    })
    const token = await administrator()
    const session = await signInHere(identity)
    await copySession(identity, session)
    const [anomaly] = await actedOn(identity, token)
    assert.deepEqual([anomaly?.subject, anomaly?.action], [session.sessionId, 'ended'])
    assert.equal((await accountFrom(identity, session.access, '203.0.113.1')).status, 401)
    const audit = await call(identity, `GET /admin/audit?session=${session.sessionId}`, { token })
    const events = audit.members()['events'] as readonly Record<string, unknown>[]
    assert.deepEqual(
      events.map(({ kind, actor }) => [kind, actor]),
      [
        ['session-ended', 'rule'],
        ['anomaly-acted', 'rule'],
      ],
    )
    assert.equal(events[0]?.['reason'], `session-in-several-networks, anomaly ${anomaly?.id}`)
    const verdict = await call(identity, 'POST /admin/audit/verify', { token })
    assert.equal(verdict.members()['ok'], true)
  },
)

testOnEngines(
  'a theft blocks its account where that was chosen, and never an administrator',
  async (t, engine) => {
    const { identity, administrator } = await start(t, engine, {
      dangerouslyBlockAccountFor: ['refresh-reuse'],
    })
    await steal(identity, await signInHere(identity, bob))
    await steal(identity, await signInHere(identity, admin))
    const acted = await actedOn(identity, await administrator(), 2)
    assert.deepEqual(sorted(acted.map(({ action }) => action)), ['blocked', 'spared'])
    const { identifier, password } = bob
    const refused = await identity.login({ identifier, password })
    assert.equal(refused.members()['code'], 'account-blocked')
  },
)

testOnEngines('rules end no more than so much within an hour', async (t, engine) => {
  const { identity, administrator } = await start(t, engine, {
    endSessionFor: ['session-in-several-networks'],
    actionsPerHourMax: 1,
  })
  const token = await administrator()
  const sessions = [await signInHere(identity), await signInHere(identity, bob)]
  for (const session of sessions) await copySession(identity, session)
  const acted = await actedOn(identity, token, 2)
  assert.deepEqual(sorted(acted.map(({ action }) => action)), ['ended', 'too-many'])
  const answers = await Promise.all(
    sessions.map(({ access }) => accountFrom(identity, access, '203.0.113.1')),
  )
  assert.deepEqual(sorted(answers.map(({ status }) => status)), ['200', '401'])
})

testOnEngines(
  'an alert goes to the streams of administrators, and to no partner who asks for it',
  async (t, engine) => {
    const { identity, administrator } = await start(t, engine, {
      alertFor: ['credential-stuffing', 'refresh-reuse'],
    })
    const type = 'urn:portcullis:event-type:anomaly-found'
    const token = await receiverToken(identity, partner)
    const mine = await createStream(identity, token, {
      events_requested: [type, 'anomaly-found'],
    })
    const made = await call(identity, 'POST /admin/streams', {
      token: await administrator(),
      body: {
        endpoint_url: 'https://receiver.example/events',
        events: ['anomaly-found'],
        reason: 'a test',
      },
    })
    assert.equal(made.status, 201, made.body)
    const victim = await signInHere(identity, bob)
    await steal(identity, victim)
    for (let number = 0; number < 20; number += 1) {
      const question = jsonLogin(
        JSON.stringify({
          identifier: `nobody-${number}`,
          password: randomBytes(8).toString('hex'),
        }),
      )
      const headers = { ...question.headers, 'x-forwarded-for': `203.0.113.${number}` }
      await identity.ask({ ...question, headers })
    }
    const acted = await actedOn(identity, await administrator(), 2)
    assert.deepEqual(sorted(acted.map(({ rule, action }) => `${rule} ${action}`)), [
      'credential-stuffing told',
      'refresh-reuse told',
    ])
    const rows = await identity.query(
      "SELECT account_id, details FROM security_events WHERE event = 'anomaly-found'",
    )
    assert.deepEqual(sorted(rows.map((row) => row['account_id'])), sorted([victim.accountId, null]))
    const ofNobody = rows.find((row) => row['account_id'] === null)
    assert.deepEqual(JSON.parse(String(ofNobody?.['details'])), {
      anomaly: Number(acted.find(({ rule }) => rule === 'credential-stuffing')?.id),
      rule: 'credential-stuffing',
      severity: 'critical',
      about: 'network',
      subject: '203.0.113.0/24',
      networks: ['203.0.113.0/24'],
    })
    // Nobody's victim is blocked by that.
    tokensOf(await identity.login({ identifier: bob.identifier, password: bob.password }))
    assert.deepEqual(
      (await takeEvents(identity, token, mine)).filter((event) => event.type === type),
      [],
    )
  },
)

test('a setting that lets strangers have others blocked stops the start', () => {
  const wrong = {
    endSessionFor: ['guessing-from-many-networks'],
    dangerouslyBlockAccountFor: ['credential-stuffing'],
    alertFor: ['no-such-rule'],
  }
  for (const [name, list] of Object.entries(wrong)) {
    const file = { ...ordersAndReviews, anomalies: { [name]: list } }
    assert.throws(
      () => parseIdentitySettings(file, 'the test'),
      (error) => error instanceof StartError && error.message.includes(`anomalies/${name}`),
    )
  }
})
