import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { newRandomSecret } from '../src/index.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { Answer } from './http-client.ts'
import type { Mailbox } from './mailbox.ts'
import { createMailbox, tokenIn } from './mailbox.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import { assertProblem, refreshWith, tokensOf } from './signed-in.ts'

const home = '192.0.2.1'
const elsewhere = '198.51.100.7'
const password = newRandomSecret()

interface Started {
  readonly identity: RunningIdentity
  readonly mailbox: Mailbox
}

interface Choice {
  readonly loginProtection?: object
  readonly selfRegistration?: string
}

/** An issuer behind a proxy that tells where requests come from, with one hash at a time and few that wait. */
async function start(
  t: TestContext,
  { loginProtection = {}, selfRegistration = 'open' }: Choice,
  engine?: Engine,
): Promise<Started> {
  const mailbox = createMailbox()
  const identity = await startRunningIdentity({
    ...(engine && { database: await engine.createStore(t) }),
    mailer: mailbox,
    file: {
      trustedProxies: ['127.0.0.1'],
      accounts: { selfRegistration },
      loginProtection,
      passwords: { hashesRunningMax: 1, hashesWaitingMax: 8 },
    },
  })
  t.after(identity.close)
  return { identity, mailbox }
}

function send(
  identity: RunningIdentity,
  address: string,
  path: string,
  body: object,
): Promise<Answer> {
  const headers = { 'content-type': 'application/json', 'x-forwarded-for': address }
  return identity.ask({ method: 'POST', path, headers, body: JSON.stringify(body) })
}

const floods: Readonly<Record<string, (identity: RunningIdentity, n: number) => Promise<Answer>>> =
  {
    registrations: (identity, n) =>
      send(identity, networkOf(n), '/accounts', { identifier: `flood-${n}`, password }),
    logins: (identity, n) =>
      send(identity, networkOf(n), '/login', { identifier: `flood-${n}`, password }),
  }

/** One of a hundred. */
function networkOf(n: number): string {
  return `203.0.113.${n % 100}`
}

// ASVS 6.3.1.
for (const [what, sendOne] of Object.entries(floods)) {
  testOnEngines(
    `while 100 networks flood the queue with ${what}, an owner signs in from a known one, and sessions go on`,
    async (t, engine) => {
      // So many that nothing but the queue turns anybody away.
      const loginProtection = { strangerTriesPerMinute: 1_000_000, networkFreeTries: 100_000 }
      const { identity } = await start(t, { loginProtection }, engine)
      const signIn = async (): Promise<string> => {
        const { identifier } = alice
        const body = { identifier, password: alice.password }
        return tokensOf(await send(identity, home, '/login', body)).refresh
      }
      let refresh = await signIn()

      const tally = new Map<number, number>()
      let sent = 0
      const end = new AbortController()
      const flood = async (): Promise<void> => {
        while (!end.signal.aborted) {
          sent += 1
          const { status, headers } = await sendOne(identity, sent)
          if (status === 503) assert.match(String(headers['retry-after']), /^\d+$/)
          tally.set(status, (tally.get(status) ?? 0) + 1)
        }
      }
      const flooding = Array.from({ length: 60 }, flood)
      while ((tally.get(503) ?? 0) < 60) await nextTurn()
      for (let n = 0; n < 5; n += 1) {
        await signIn()
        refresh = tokensOf(await refreshWith(identity, refresh)).refresh
      }
      end.abort()
      await Promise.all(flooding)
      // The flood was one, and strangers had their share.
      assert.ok((tally.get(503) ?? 0) > 60 && tally.size === 2, JSON.stringify([...tally]))
    },
  )
}

for (const selfRegistration of ['open', 'by-mail']) {
  test(`registrations (${selfRegistration}) are counted by network, as wrong passwords are`, async (t) => {
    const loginProtection = { networkFreeTries: 3 }
    const { identity } = await start(t, { loginProtection, selfRegistration })
    const register = (n: number, address = elsewhere): Promise<Answer> =>
      send(identity, address, '/accounts', { identifier: `carol-${n}@mail.example`, password })
    const made = selfRegistration === 'open' ? 201 : 202
    for (let n = 0; n < 3; n += 1) assert.equal((await register(n)).status, made)
    const refused = await register(3)
    assertProblem(refused, 429, 'throttled')
    assert.equal(refused.headers['retry-after'], '1')
    const guess = { identifier: 'alice', password: 'wrong password' }
    assertProblem(await send(identity, elsewhere, '/login', guess), 429, 'throttled')
    assert.equal((await register(3, '198.51.100.8')).status, made)
    identity.clock.advanceMs(1000)
    assert.equal((await register(4)).status, made)
  })

  test(`registrations (${selfRegistration}) are tries of strangers, of which there is a number a minute`, async (t) => {
    const loginProtection = { strangerTriesPerMinute: 2 }
    const { identity } = await start(t, { loginProtection, selfRegistration })
    const register = (n: number): Promise<Answer> =>
      send(identity, networkOf(n), '/accounts', { identifier: `c-${n}@mail.example`, password })
    const made = selfRegistration === 'open' ? 201 : 202
    assert.deepEqual([(await register(0)).status, (await register(1)).status], [made, made])
    const refused = await register(2)
    assertProblem(refused, 503, 'overloaded')
    assert.equal(refused.headers['retry-after'], '30')
    identity.clock.advanceMs(30_000)
    assert.equal((await register(3)).status, made)
  })
}

testOnEngines(
  'a link from a mail is shown as often as its network may try, and failures at its account do not count',
  async (t, engine) => {
    const { identity, mailbox } = await start(
      t,
      { loginProtection: { networkFreeTries: 20 } },
      engine,
    )
    const identifier = 'carol@mail.example'
    await send(identity, home, '/accounts', { identifier, password })
    await mailbox.next()
    identity.clock.advanceMs(60_000)
    await send(identity, home, '/account/reset', { identifier })
    const token = tokenIn(await mailbox.next())
    const wrong = { identifier, password: 'wrong password' }
    for (let n = 0; n < 20; n += 1) {
      // Ten for the account, and as many for nobody's, so that account and network are closed.
      const guess = n < 10 ? wrong : { ...wrong, identifier: 'nobody' }
      assertProblem(await send(identity, elsewhere, '/login', guess), 401, 'bad-credentials')
    }
    const next = newRandomSecret()
    const confirmation = { token, new: next }
    const delayed = await send(identity, elsewhere, '/account/reset/confirm', confirmation)
    assertProblem(delayed, 429, 'throttled')
    const done = await send(identity, '198.51.100.8', '/account/reset/confirm', confirmation)
    assert.equal(done.status, 200, done.body)
  },
)
