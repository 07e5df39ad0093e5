import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Answer, Question } from './http-client.ts'
import type { InertRequest } from './inert-requests.ts'
import { inertRequests } from './inert-requests.ts'
import { alice, basic, machine, startRunningIdentity } from './running-identity.ts'
import { admin, bob, call, refreshWith, signInHere } from './signed-in.ts'

/** What others were caught with in how they read requests and answer them, at every route there is. */
const identity = await startRunningIdentity({
  accounts: [alice, bob, admin],
  // The tries of this file are not what is tested.
  file: {
    accounts: { selfRegistration: 'open' },
    loginProtection: { dangerouslyUnlimitedGuesses: true },
  },
})
after(identity.close)

const callers = inertRequests.filter(({ caller }) => caller !== undefined)
assert.ok(inertRequests.length >= 34 && callers.length >= 20, 'requests were not found')

function questionOf({ route, json, form, query = {} }: InertRequest, more: object = {}): Question {
  const [method = '', pattern = ''] = route.split(' ')
  const search = new URLSearchParams({ ...query, ...more }).toString()
  const path = `${pattern.replaceAll(/:\w+/g, 'A'.repeat(22))}${search === '' ? '' : `?${search}`}`
  const text = form === undefined ? JSON.stringify(json) : new URLSearchParams(form).toString()
  const type = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded'
  if (text === undefined) return { method, path }
  const headers = { 'content-type': type, 'content-length': String(Buffer.byteLength(text)) }
  return { method, path, headers, body: text }
}

function ask(question: Question, headers: Readonly<Record<string, string>>): Promise<Answer> {
  return identity.ask({ ...question, headers: { ...question.headers, ...headers } })
}

const credentials: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'no credential': {},
  'an empty header': { authorization: '' },
  'a scheme alone': { authorization: 'Bearer' },
  'a word of a programming language': { authorization: 'Bearer undefined' },
  'the credential of a machine client': basic(machine.clientId, machine.clientSecret),
  'the password of an administrator': basic(admin.identifier, admin.password),
  'the secret as a token': { authorization: `Bearer ${machine.clientSecret}` },
  'keys of programming interfaces': {
    'api-key': machine.clientSecret,
    'x-api-key': machine.clientSecret,
    apikey: '',
  },
  'headers of a proxy': {
    'x-auth-subject': 'admin',
    'x-auth-roles': 'identity-admin',
    'x-forwarded-user': 'admin',
    'x-forwarded-for': '127.0.0.1',
    'x-original-url': '/health/live',
    'x-http-method-override': 'GET',
  },
}

test('CVE-2026-123797, CVE-2026-123800: whatever wants a token opens to nothing else, at any route', async () => {
  let refused = 0
  for (const request of callers) {
    const question = questionOf(request)
    for (const [what, headers] of Object.entries(credentials)) {
      const { status, body } = await ask(question, headers)
      const wanted = /^Bearer$|^$/.test(headers['authorization'] ?? 'none') ? [400, 401] : [401]
      assert.ok(wanted.includes(status), `${request.route} with ${what}: ${status} ${body}`)
      refused += 1
    }
  }
  assert.equal(refused, callers.length * Object.keys(credentials).length)
})

// RFC 6750 section 2.3: a URL is kept in histories and logs.
test('RFC 9700 O20: a token in the address of a request is not looked at', async () => {
  const { access } = await signInHere(identity)
  for (const name of ['access_token', 'token', 'authorization', 'bearer']) {
    const answer = await identity.ask({ path: `/account?${name}=${access}` })
    assert.equal(answer.status, 401, answer.body)
    assert.ok(!answer.body.includes(access) && !identity.logged().includes(access))
  }
  assert.equal((await call(identity, 'GET /account', { token: access })).status, 200)
})

const addresses = {
  redirect_uri: 'https://evil.example/',
  redirect: 'https://evil.example/',
  return_to: '//evil.example',
  next: '//evil.example/%0d%0alocation:x',
  continue: 'https://evil.example/',
  url: 'https://evil.example/',
  state: 's',
  response_type: 'token',
}

// Where nothing redirects, nobody is sent on to anywhere, with credentials or without.
test('RFC 9700 O2, RFC 9700 O5: no route leads elsewhere, whatever address it is given', async () => {
  const { access } = await signInHere(identity, admin)
  let asked = 0
  for (const request of inertRequests) {
    const question = questionOf(request, addresses)
    for (const headers of [{}, { authorization: `Bearer ${access}` }]) {
      const answer = await ask(question, { ...headers, host: 'evil.example' })
      const where = `${request.route}: ${answer.status}`
      const { location, refresh } = answer.headers
      assert.equal(refresh, undefined, where)
      const isRedirect = answer.status >= 300 && answer.status < 400
      assert.equal(location !== undefined, isRedirect, where)
      // From one of our pages to another.
      if (isRedirect) assert.match(String(location), /^\/[a-z-]+(?:[/?][^\\]*)?$/, where)
      assert.ok(!answer.body.includes('evil.example'), `${where} ${answer.body}`)
      asked += 1
    }
  }
  for (const path of [
    '/authorize',
    '/oauth2/authorize',
    '/login?response_type=token',
    '/callback',
  ]) {
    const { status, headers } = await identity.ask({ path })
    assert.ok(status === 404 || status === 405, path)
    assert.equal(headers.location, undefined)
  }
  assert.equal(asked, inertRequests.length * 2)
})

/** Refusals that name what was wrong in one request, each with a word of its own. */
function refusalsOf(round: number): readonly (() => Promise<Answer>)[] {
  const word = `word-${round}`
  const { identifier, password } = alice
  return [
    () => identity.login({ identifier, password, audience: word }),
    () => identity.login({ identifier, password, scope: word }),
    () => identity.login({ identifier, password, client_id: word }),
    () => identity.login({ identifier: [word], password }),
    () => identity.login({ identifier, [word]: word }),
    () => identity.login({ identifier, password: word }),
    () => identity.token({ grant_type: word }),
    () => refreshWith(identity, word),
    () => call(identity, 'GET /sessions?limit=0', { token: word }),
    () => call(identity, `GET /sessions/${word}`),
    () => call(identity, 'POST /accounts', { body: { identifier: word, password: 'short' } }),
  ]
}

// As in Ory herodot, where an error that all requests share kept what one of them had put into it.
test('herodot: what a refusal says is about its own request, however many are refused at once', async () => {
  const rounds = Array.from({ length: 5 }, (_none, round) => round)
  const alone: string[] = []
  for (const round of rounds) {
    for (const refuse of refusalsOf(round)) alone.push(textOf(await refuse()))
  }
  const together = rounds.flatMap((round) => refusalsOf(round).map((refuse) => refuse()))
  const answers = (await Promise.all(together)).map(textOf)
  assert.deepEqual(answers, alone)
  const perRound = answers.length / rounds.length
  for (const [at, text] of answers.entries()) {
    const own = `word-${Math.floor(at / perRound)}`
    const others = (text.match(/word-\d+/g) ?? []).filter((word) => word !== own)
    assert.deepEqual(others, [], text)
  }
  assert.ok(perRound >= 10 && new Set(answers).size >= perRound)
})

function textOf({ status, body, headers }: Answer): string {
  assert.ok(status >= 400, body)
  return `${status} ${String(headers['www-authenticate'])} ${body}`
}
