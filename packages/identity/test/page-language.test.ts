import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { notBuilt } from '../src/http/console.ts'
import { StoreUnavailableError } from '../src/domain/store-unavailable.ts'
import { newRandomSecret } from '../src/index.ts'
import type { Answer } from './http-client.ts'
import { linkIn } from './mailbox.ts'
import { madeUp, readIn, startInMadeUp, wordsOfCatalogue } from './page-language.ts'
import type { MadeUpPages } from './page-language.ts'
import type { Visitor } from './page-visitor.ts'
import { visit } from './page-visitor.ts'
import { commandLine } from './store-parts.ts'

const person = { identifier: 'αλίκη', password: newRandomSecret(), roles: [] }
const blocked = { identifier: 'μαλ', password: newRandomSecret(), roles: [] }
const noticed = Object.keys(madeUp.notices)

/** What is nobody's language: names of things, and what somebody has typed. */
const names = [
  'Portcullis',
  'id.example',
  'www.shop.example',
  'Firefox',
  'Linux',
  'UTC',
  'web',
  'npm run build:console',
]
const found = new Set<string>()

/** Reads a page, which may have no word of another language. */
function read(page: Answer, status = 200): Answer {
  assert.equal(page.status, status, page.body)
  const text = readIn(page)
  for (const [place] of text.matchAll(/⟦[^⟧]*⟧/g)) found.add(place)
  const left = [/⟦[^⟧]*⟧/g, ...names, /\S+@\S+/g].reduce<string>(
    (rest, known) => rest.replaceAll(known, ''),
    text,
  )
  assert.doesNotMatch(left, /\p{Script=Latin}{2}/u)
  assert.match(page.body, /^<!doctype html>\n<html lang="el">/)
  return page
}

async function start(
  t: TestContext,
  file: object,
  more: Omit<Parameters<typeof startInMadeUp>[1], 'file' | 'accounts'> = {},
): Promise<{ pages: MadeUpPages; visitor: Visitor }> {
  const pages = await startInMadeUp(t, { file, accounts: [person, blocked], ...more })
  return { pages, visitor: visit(pages) }
}

const signInButton = madeUp.signIn.button
async function signIn(visitor: Visitor, who: object = person): Promise<Answer> {
  return visitor.press(await visitor.open('/sign-in'), signInButton, who)
}

const many = { loginProtection: { freeTries: 100 } }

test('signing in, and whatever is in its way, is told by the catalogue alone', async (t) => {
  const { pages, visitor } = await start(t, {
    ...many,
    allowedOrigins: ['https://www.shop.example'],
    accounts: { selfRegistration: 'open' },
  })
  read(await visitor.open('/sign-in?return_to=https://www.shop.example/x'))
  for (const notice of noticed) read(await visitor.open(`/sign-in?notice=${notice}`))
  read(await visitor.open('/sign-in?client_id=nobody'), 400)
  const page = await visitor.open('/sign-in')
  read(await visitor.press(page, signInButton, { identifier: '' }), 400)
  read(await visitor.press(page, signInButton, { identifier: 'αλίκη' }), 400)
  read(await signIn(visitor, { ...person, password: newRandomSecret() }), 401)
  const { id } = (await pages.parts.accounts.findByIdentifier(blocked.identifier)) ?? assert.fail()
  await pages.parts.accounts.block({ accountId: id, actor: commandLine, reason: 'a test' })
  read(await signIn(visitor, blocked), 403)
  assert.equal((await signIn(visitor)).status, 303)
  read(await visitor.open('/sign-in'))
  read(await visitor.open('/my-account', { cookie: '', 'sec-fetch-site': 'cross-site' }))
  const elsewhere = visit(pages, { pageFields: { origin: 'https://evil.example' } })
  read(await signIn(elsewhere), 403)
  const unread = { 'content-type': 'text/plain', origin: pages.issuer }
  read(await pages.ask({ method: 'POST', path: '/sign-in', headers: unread, body: 'x' }), 415)
})

test('what is wrong with a name, an address or a password is told by the catalogue alone', async (t) => {
  const open = { ...many, accounts: { selfRegistration: 'open' } }
  const { visitor } = await start(t, open, {
    change: ({ passwordRules }) => ({
      passwordRules: { ...passwordRules, isBreached: async (text) => text === 'βουνό και θάλασσα' },
    }),
  })
  const page = read(await visitor.open('/sign-up'))
  const identifier = 'νίκος'
  const { password } = person
  for (const typed of [
    { identifier: '' },
    { identifier: 'α'.repeat(255), password },
    { identifier: 'α β', password },
    { identifier: 'αa', password },
    { identifier, password, email: 'nowhere' },
    { identifier, password, email: 'x@mail..example' },
    { identifier, password, email: `${'x'.repeat(65)}@mail.example` },
    { identifier: 'a@mail.example', password, email: 'b@mail.example' },
    { identifier },
    { identifier, password: 'short' },
    { identifier, password: 'α'.repeat(257) },
    { identifier, password: 'password' },
    { identifier, password: `${identifier}${identifier}` },
    { identifier, password: 'portcullis77' },
    { identifier, password: 'βουνό και θάλασσα' },
  ]) {
    read(await visitor.press(page, madeUp.signUp.button, typed), 400)
  }
  read(await visitor.press(page, madeUp.signUp.button, person), 409)
})

test('where accounts are made by mail, and where none are, the catalogue tells it', async (t) => {
  const byMail = await start(t, { accounts: { selfRegistration: 'by-mail' } })
  const page = read(await byMail.visitor.open('/sign-up'))
  read(await byMail.visitor.press(page, madeUp.signUp.sendMail, { identifier: 'νίκος' }), 400)
  const closed = await start(t, {}, { hasMail: false })
  read(await closed.visitor.open('/sign-up'), 403)
  read(await closed.visitor.open('/forgot-password'), 501)
})

test('the own account, its sessions and its password are told by the catalogue alone', async (t) => {
  let length = 0
  const { pages, visitor } = await start(t, many, {
    // So that no token can be had.
    change: ({ sign }) => ({
      sign: async (...asked) => (await sign(...asked)) + 'x'.repeat(length),
    }),
  })
  await signIn(visitor)
  read(await visitor.open('/my-account?notice=password-changed'))
  read(await visitor.open('/my-account/sessions'))
  for (let count = 0; count < 21; count += 1) await signIn(visit(pages, { userAgent: '' }))
  const list = read(await visitor.open('/my-account/sessions'))
  const [, older = ''] = /href="([^"]*after=[^"]*)"/.exec(list.body) ?? assert.fail()
  read(await visitor.open(older))
  const one = { ...list, body: list.body.slice(list.body.indexOf('/sessions/end"') - 60) }
  read(await visitor.press(one, madeUp.sessions.end, { sid: 'A'.repeat(22) }), 404)

  const page = read(await visitor.open('/my-account/password'))
  const change = (typed: object): Promise<Answer> =>
    visitor.press(page, madeUp.password.button, typed)
  const current = person.password
  read(await change({}), 400)
  read(await change({ current }), 400)
  read(await change({ current, new: 'short' }), 400)
  read(await change({ current: newRandomSecret(), new: newRandomSecret() }), 401)
  length = 3000
  read(await change({ current, new: newRandomSecret() }), 409)

  pages.clock.advanceMs(16 * 60_000)
  const confirm = read(await visitor.press(one, madeUp.sessions.end), 401)
  const again = (typed: object): Promise<Answer> =>
    visitor.press(confirm, madeUp.sessions.end, typed)
  read(await again({ password: '' }), 401)
  read(await again({ password: current }), 409)
  length = 0
  read(await again({ password: newRandomSecret() }), 401)
  const ended = await again({ password: current })
  assert.equal(ended.status, 303)
})

test('the pages that mails lead to are told by the catalogue alone', async (t) => {
  const { pages, visitor } = await start(t, { accounts: { selfRegistration: 'open' }, ...many })
  const typed = { identifier: 'νίκος', password: newRandomSecret(), email: 'nikos@mail.example' }
  const made = await visitor.press(await visitor.open('/sign-up'), madeUp.signUp.button, typed)
  assert.equal(made.status, 303)
  const { pathname, search } = linkIn(await pages.mailbox.next())
  const verify = read(await visitor.open(`${pathname}${search}`))
  const confirm = (password: string): Promise<Answer> =>
    visitor.press(verify, madeUp.verification.button, { password })
  read(await confirm(newRandomSecret()), 401)
  read(await confirm(typed.password))
  await signIn(visitor, typed)
  read(await visitor.open('/my-account'))
  read(await confirm(typed.password), 400)
  const forgot = read(await visitor.open('/forgot-password'))
  read(await visitor.press(forgot, madeUp.forgot.button), 400)
  await visitor.press(forgot, madeUp.forgot.button, typed)
  const link = linkIn(await pages.mailbox.next())
  const reset = read(await visitor.open(`${link.pathname}${link.search}`))
  const choose = (password: string): Promise<Answer> =>
    visitor.press(reset, madeUp.reset.button, { password })
  read(await choose('short'), 400)
  read(await choose(newRandomSecret()))
  read(await choose(newRandomSecret()), 400)
})

test('what is too much, and what does not work at the moment, is told by the catalogue alone', async (t) => {
  const busy = { kind: 'busy', retryAfterSeconds: 5 } as const
  const full = await start(
    t,
    {},
    {
      change: ({ passwords }) => ({ passwords: { ...passwords, whenFull: () => busy } }),
    },
  )
  read(await signIn(full.visitor), 503)
  const guarded = await start(t, { loginProtection: { freeTries: 1 } })
  const guess = { ...person, password: newRandomSecret() }
  await signIn(guarded.visitor, guess)
  await signIn(guarded.visitor, guess)
  read(await signIn(guarded.visitor, guess), 429)
  const broken = await start(
    t,
    {},
    {
      change: ({ accounts }) => ({
        accounts: {
          ...accounts,
          findByIdentifier: () => Promise.reject(new StoreUnavailableError()),
        },
      }),
    },
  )
  read(await signIn(broken.visitor), 503)
  const often = await start(
    t,
    {},
    {
      change: ({ sessions }) => ({
        sessions: {
          ...sessions,
          endOwn: async () => ({ kind: 'too-often', retryAfterSeconds: 1 }),
        },
      }),
    },
  )
  await signIn(often.visitor)
  await signIn(visit(often.pages))
  const list = await often.visitor.open('/my-account/sessions')
  const one = { ...list, body: list.body.slice(list.body.indexOf('/sessions/end"') - 60) }
  read(await often.visitor.press(one, madeUp.sessions.end), 429)
})

test('the console that was not built is told by the catalogue alone', () => {
  const { title, body } = notBuilt(madeUp)
  const html = `<!doctype html>\n<html lang="el">${title} ${body.toString()}`
  read({ status: 200, body: html } as Answer)
})

test('no word of the catalogue is without a page', () => {
  assert.ok(wordsOfCatalogue.length > 120)
  assert.deepEqual(
    wordsOfCatalogue.filter((place) => !found.has(place)),
    [],
  )
})
