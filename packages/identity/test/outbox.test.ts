import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import type { Mail, Mailer } from '../src/index.ts'
import type { Outbox } from '../src/mail/outbox.ts'
import { createOutbox } from '../src/mail/outbox.ts'
import { createLogInMemory } from './running-identity.ts'

const mail: Mail = { to: 'carol@mail.example', subject: 'A link', text: 'the-token' }

interface Office {
  readonly outbox: Outbox
  readonly logged: () => string
  /** How long it was held back, and the pauses that were made before another try. */
  readonly pauses: number[]
}

function openOffice(mailer: Mailer, allowance: (network: string) => boolean = () => true): Office {
  const { log, logged } = createLogInMemory()
  const pauses: number[] = []
  const wait = async (ms: number): Promise<void> => void pauses.push(ms)
  return { outbox: createOutbox({ mailer, log, allowance, wait }), logged, pauses }
}

/** A server that refuses so often, each time with these members in its error. */
function refusing(times: number, members: object): Mailer & { readonly sent: Mail[] } {
  const sent: Mail[] = []
  let left = times
  return {
    sent,
    send: async (given) => {
      left -= 1
      if (left >= 0)
        throw Object.assign(new Error(`no such user ${given.to} ${given.text}`), members)
      sent.push(given)
    },
  }
}

async function settled(office: Office, until: () => boolean): Promise<void> {
  while (!until()) await turn()
  await office.outbox.close()
}

test('a mail that fails is tried again, at growing pauses, and looked up once', async () => {
  const mailer = refusing(3, { code: 'ECONNECTION' })
  const office = openOffice(mailer)
  let lookups = 0
  office.outbox.post.send(async () => {
    lookups += 1
    return mail
  })
  await settled(office, () => mailer.sent.length === 1)
  const [heldBackMs = 0, ...pauses] = office.pauses
  assert.ok(heldBackMs >= 50 && heldBackMs <= 500, `held back for ${heldBackMs} ms`)
  assert.deepEqual(pauses, [1000, 10_000, 60_000])
  assert.equal(lookups, 1, 'another look would be another token')
})

test('a mail that fails for good is given up, and its log has codes only', async () => {
  for (const [times, members, pauses] of [
    [9, { code: 'ETIMEDOUT' }, 4],
    [9, { code: 'EENVELOPE', responseCode: 550 }, 0],
    [9, { code: 'EENVELOPE', responseCode: 451 }, 4],
  ] as const) {
    const office = openOffice(refusing(times, members))
    office.outbox.post.send(async () => mail)
    await settled(office, () => office.logged() !== '')
    assert.equal(office.pauses.length, 1 + pauses)
    assert.match(office.logged(), new RegExp(`"code":"${members.code}".*could not be sent`))
    for (const secret of ['carol', 'the-token', 'no such user']) {
      assert.ok(!office.logged().includes(secret))
    }
  }
})

test('where nothing is to be sent, nothing is sent and nothing said', async () => {
  const mailer = refusing(0, {})
  const office = openOffice(mailer)
  let isAsked = false
  office.outbox.post.send(async () => {
    isAsked = true
    return undefined
  })
  await settled(office, () => isAsked)
  assert.deepEqual([mailer.sent, office.logged()], [[], ''])
})

test('a thousand mails wait and no more, and four are sent at once', async () => {
  let sending = 0
  let sendingMost = 0
  let sent = 0
  const { promise: open, resolve } = Promise.withResolvers<undefined>()
  const { promise: full, resolve: isFull } = Promise.withResolvers<undefined>()
  const office = openOffice({
    send: async () => {
      sending += 1
      sendingMost = Math.max(sendingMost, sending)
      if (sending === 4) isFull(undefined)
      await open
      sending -= 1
      sent += 1
    },
  })
  for (let count = 0; count < 1100; count += 1) office.outbox.post.send(async () => mail)
  await full
  resolve(undefined)
  await settled(office, () => sent === 1000)
  assert.deepEqual([sent, sendingMost], [1000, 4])
  assert.equal(office.logged().match(/a mail was dropped/g)?.length, 100)
})

/** A server that answers nobody until it is told to. */
function stuck(): Mailer & { readonly sent: Mail[]; readonly answer: () => void } {
  const { promise: answered, resolve } = Promise.withResolvers<undefined>()
  const sent: Mail[] = []
  return {
    sent,
    send: async (given) => {
      await answered
      sent.push(given)
    },
    answer: () => resolve(undefined),
  }
}

test('names that nobody has take no place of a mail, whatever the server does', async () => {
  const mailer = stuck()
  const office = openOffice(mailer)
  for (let count = 0; count < 8; count += 1) office.outbox.post.lookUp(async () => mail, 'a')
  for (let wave = 0; wave < 3; wave += 1) {
    const lookedUp = Array.from({ length: 900 }, () => Promise.withResolvers<undefined>())
    for (const { resolve } of lookedUp) {
      office.outbox.post.lookUp(async () => {
        resolve(undefined)
        return undefined
      }, 'a')
    }
    await Promise.all(lookedUp.map(({ promise }) => promise))
    await turn()
  }
  office.outbox.post.lookUp(async () => ({ ...mail, to: 'dave@mail.example' }), 'b')
  mailer.answer()
  await settled(office, () => mailer.sent.length === 9)
  assert.equal(office.logged(), '')
})

test('strangers have half of the places, and whom they are about is not looked up beyond', async () => {
  const mailer = stuck()
  const office = openOffice(mailer)
  const { post } = office.outbox
  let lookedUp = 0
  const ask = async (): Promise<Mail> => {
    lookedUp += 1
    return mail
  }
  for (let count = 0; count < 600; count += 1) post.lookUp(ask, 'a')
  while (office.logged().match(/a mail was dropped/g)?.length !== 100) await turn()
  assert.equal(lookedUp, 500, 'a mail that is dropped must not count for the pace')
  const last = { ...mail, to: 'dave@mail.example' }
  assert.equal(
    post.send(async () => last),
    undefined,
  )
  await turn()
  mailer.answer()
  await settled(office, () => mailer.sent.length === 501)
  // Four of the strangers were under way.
  assert.equal(mailer.sent.indexOf(last), 4)
})

test('what needs a mail is not done where none can wait, and what is not sent keeps no place', async () => {
  const mailer = stuck()
  const office = openOffice(mailer)
  const { post } = office.outbox
  for (let count = 0; count < 999; count += 1) post.send(async () => mail)
  assert.equal(await post.withPlace(async () => 'refused'), 'refused')
  await assert.rejects(
    post.withPlace(() => Promise.reject(new Error('a fault'))),
    /a fault/,
  )
  const done = await post.withPlace(async (send) => {
    assert.equal(post.send(async () => mail)?.kind, 'mail-busy', 'the place is taken before')
    send(async () => mail)
    return 'done'
  })
  assert.equal(done, 'done')
  const busy = await post.withPlace(() => assert.fail('nothing may be written'))
  assert.deepEqual(busy, { kind: 'mail-busy', retryAfterSeconds: 60 })
  mailer.answer()
  await settled(office, () => mailer.sent.length === 1000)
})

test('what strangers cause is held back by their network, and what the house sends is not', async () => {
  const mailer = refusing(0, {})
  const office = openOffice(mailer, () => false)
  office.outbox.post.lookUp(async () => mail, '192.0.2.1')
  office.outbox.post.send(async () => mail)
  await settled(office, () => mailer.sent.length > 0)
  assert.equal(mailer.sent.length, 1)
})
