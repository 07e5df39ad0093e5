import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Mail, Mailer } from '../src/index.ts'
import { newRandomSecret } from '../src/index.ts'
import type { Answer } from './http-client.ts'
import type { RunningIdentity } from './running-identity.ts'
import { startRunningIdentity } from './running-identity.ts'
import { admin, assertProblem, call, signInHere } from './signed-in.ts'

const bob = { identifier: 'bob@mail.example', password: newRandomSecret(), roles: [] }
const reason = 'because'

interface Started {
  readonly identity: RunningIdentity
  readonly bobId: string
  /** As Bob. */
  readonly token: string
  /** As an administrator. */
  readonly ask: (route: string, body: object) => Promise<Answer>
  /** The server for mail has so much to do that no other mail is sent. */
  readonly stuck: Promise<undefined>
  /** It answers from now on. */
  readonly answer: () => void
  /** Resolves when a mail has gone to this address. */
  readonly arrived: (to: string) => Promise<void>
}

/** With a server for mail that answers nobody. */
async function start(t: TestContext): Promise<Started> {
  const { promise: answered, resolve } = Promise.withResolvers<undefined>()
  const { promise: stuck, resolve: isStuck } = Promise.withResolvers<undefined>()
  const sent: Mail[] = []
  let sending = 0
  const arrivals = new Map<string, () => void>()
  const mailer: Mailer = {
    send: async (mail) => {
      sending += 1
      if (sending === 4) isStuck(undefined)
      await answered
      sent.push(mail)
      arrivals.get(mail.to)?.()
    },
  }
  const file = { trustedProxies: ['127.0.0.1'] }
  const identity = await startRunningIdentity({ accounts: [admin, bob], mailer, file })
  t.after(async () => {
    resolve(undefined)
    await identity.close()
  })
  const { access } = await signInHere(identity, admin)
  const { accountId: bobId, access: token } = await signInHere(identity, bob)
  return {
    identity,
    bobId,
    token,
    ask: (route, body) => call(identity, route, { token: access, body }),
    stuck,
    answer: () => resolve(undefined),
    arrived: (to) =>
      new Promise((tell) => {
        arrivals.set(to, tell)
        if (sent.some((mail) => mail.to === to)) tell()
      }),
  }
}

function askForReset(identity: RunningIdentity, network: number, nobody: number): Promise<Answer> {
  return identity.ask({
    method: 'POST',
    path: '/account/reset',
    headers: {
      'content-type': 'application/json',
      'x-forwarded-for': `2001:db8:1:${network.toString(16)}::1`,
    },
    body: JSON.stringify({ identifier: `nobody-${network}-${nobody}` }),
  })
}

test('strangers who ask for resets of nobody keep back nothing that an administrator sends', async (t) => {
  const { identity, bobId, ask, stuck, answer, arrived } = await start(t)
  for (const name of ['one', 'two', 'three', 'four', 'robert']) {
    const email = `${name}@mail.example`
    assert.equal((await ask(`PATCH /admin/accounts/${bobId}`, { email, reason })).status, 200)
  }
  await stuck
  for (let network = 0; network < 23; network += 1) {
    const asked = Array.from({ length: 48 }, (_, nobody) => askForReset(identity, network, nobody))
    for (const { status } of await Promise.all(asked)) assert.equal(status, 202)
  }
  assert.equal((await ask(`POST /admin/accounts/${bobId}/reset`, { reason })).status, 200)
  assert.equal((await ask('POST /admin/accounts', { identifier: 'new@mail.example' })).status, 201)
  answer()
  await Promise.all([arrived('robert@mail.example'), arrived('new@mail.example')])
})

test('where no mail can wait, nothing is done that needs one, and everything else is', async (t) => {
  const { identity, bobId, token, ask } = await start(t)
  let mailsMost = 0
  let answered: Answer | undefined
  for (; answered?.status !== 503 && mailsMost < 1100; mailsMost += 1) {
    const email = `bob-${mailsMost}@mail.example`
    answered = await ask(`PATCH /admin/accounts/${bobId}`, { email, reason })
  }
  assert.equal(mailsMost, 1001)
  const state = async (): Promise<string> =>
    JSON.stringify([
      await identity.query('SELECT * FROM accounts'),
      await identity.query('SELECT * FROM events'),
      await identity.query('SELECT * FROM account_links'),
    ])
  const before = await state()
  const refused = [
    await ask('POST /admin/accounts', { identifier: 'new@mail.example' }),
    await ask(`POST /admin/accounts/${bobId}/reset`, { reason }),
    await ask(`PATCH /admin/accounts/${bobId}`, { email: null, reason }),
    await call(identity, 'POST /account/verify-email', { token }),
  ]
  for (const answer of refused) {
    assertProblem(answer, 503, 'overloaded')
    assert.equal(answer.headers['retry-after'], '60')
  }
  assert.equal(await state(), before)
  const body = { current: bob.password, new: newRandomSecret() }
  assert.equal((await call(identity, 'POST /account/password', { token, body })).status, 200)
  const more = { attributes: { tenant: 'north' }, reason }
  assert.equal((await ask(`PATCH /admin/accounts/${bobId}`, more)).status, 200)
})
