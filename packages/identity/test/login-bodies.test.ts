import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { after, test } from 'node:test'
import type { Question } from './http-client.ts'
import { alice, jsonLogin, startRunningIdentity } from './running-identity.ts'

const identity = await startRunningIdentity()
after(identity.close)

const { identifier, password } = alice
const good = { identifier, password }
/** The good body without its closing brace. */
const opened = JSON.stringify(good).slice(0, -1)

interface Malformed {
  readonly name: string
  readonly question: Question
  readonly status: number
  readonly code: string
  readonly detail?: string
  /** The fields that are named, where the body could be read at all. */
  readonly fields?: readonly string[]
}

/** A body that is no sound JSON object. */
function unreadable(name: string, body: string | Buffer, detail: string): Malformed {
  return { name, question: jsonLogin(body), status: 400, code: 'malformed', detail }
}

/** A JSON object that is not a login. */
function unfit(name: string, body: object, ...fields: readonly string[]): Malformed {
  const question = jsonLogin(JSON.stringify(body))
  return { name, question, status: 400, code: 'malformed', detail: 'the body does not fit', fields }
}

function wrongType(type: string): Malformed {
  const question = jsonLogin(JSON.stringify(good), type)
  return { name: type, question, status: 415, code: 'unsupported-media-type' }
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

const malformed: readonly Malformed[] = [
  unreadable('nothing', '', 'the body is not JSON'),
  unreadable('white space', ' \n', 'the body is not JSON'),
  unreadable('cut off', opened, 'the body is not JSON'),
  unreadable('single quotes', "{'identifier':'alice'}", 'the body is not JSON'),
  unreadable('a comma too many', `${opened},}`, 'the body is not JSON'),
  unreadable('two documents', `${opened}}${opened}}`, 'the body is not JSON'),
  unreadable('a number that is none', `${opened},"scope":NaN}`, 'the body is not JSON'),
  unreadable('a byte order mark', `\ufeff${opened}}`, 'the body is not JSON'),
  unreadable('UTF-16', Buffer.from(`\ufeff${opened}}`, 'utf16le'), 'the body is not UTF-8'),
  unreadable('Latin-1', bytes('{"identifier":"Ren\xe9","password":"x"}'), 'the body is not UTF-8'),
  unreadable('an overlong slash', bytes('{"identifier":"\xc0\xaf"}'), 'the body is not UTF-8'),
  unreadable('a surrogate in UTF-8', bytes('{"a":"\xed\xa0\x80"}'), 'the body is not UTF-8'),
  unreadable(
    'half a surrogate pair',
    String.raw`{"identifier":"\ud800","password":"xxxxxxxx"}`,
    'the body holds half of a surrogate pair',
  ),
  unreadable('null', 'null', 'the body is not a JSON object'),
  unreadable('an array', '[]', 'the body is not a JSON object'),
  unreadable('an array of one login', `[${opened}}]`, 'the body is not a JSON object'),
  unreadable('a text', '"alice"', 'the body is not a JSON object'),
  unreadable('a number', '1', 'the body is not a JSON object'),
  unreadable(
    'a member that comes twice',
    `${opened},"password":"other"}`,
    'the body has two members of the same name',
  ),
  unreadable(
    'a member that comes twice in two spellings',
    String.raw`${opened},"p\u0061ssword":"other"}`,
    'the body has two members of the same name',
  ),
  unreadable('nesting', `${opened},"scope":[[[[[1]]]]]}`, 'the body is nested too deeply'),
  unreadable(
    'very deep nesting',
    `${opened},"scope":${'['.repeat(7000)}${']'.repeat(7000)}}`,
    'the body is nested too deeply',
  ),
  unfit('an empty object', {}, '/identifier', '/password'),
  unfit('no password', { identifier }, '/password'),
  unfit('no identifier', { password }, '/identifier'),
  unfit('null for a text', { identifier: null, password: null }, '/identifier', '/password'),
  unfit('numbers for texts', { identifier: 1, password: 2 }, '/identifier', '/password'),
  unfit('an object for a text', { identifier: { $ne: '' }, password }, '/identifier'),
  unfit('an array for a text', { identifier: [identifier], password }, '/identifier'),
  unfit('empty texts', { identifier: '', password: '' }, '/identifier', '/password'),
  unfit('a long identifier', { identifier: 'a'.repeat(321), password }, '/identifier'),
  unfit('a long password', { identifier, password: 'x'.repeat(1025) }, '/password'),
  unfit('unknown members', { ...good, remember: true, admin: 1 }, '/remember', '/admin'),
  unfit('another case', { ...good, Scope: 'orders:read' }, '/Scope'),
  unfit('a name that is no plain pointer', { ...good, 'a/b~c': 1 }, '/a~1b~0c'),
  unfit('an age below zero', { ...good, max_age: -1 }, '/max_age'),
  unfit('another delivery', { ...good, delivery: 'mail' }, '/delivery'),
  unfit('no audience', { ...good, audience: [] }, '/audience'),
  unfit('an empty audience', { ...good, audience: '' }, '/audience'),
  unfit('a number as audience', { ...good, audience: 5 }, '/audience'),
  unfit(
    'an empty name of an audience',
    { ...good, audience: ['orders', ''] },
    '/audience/1',
    '/audience',
  ),
  unfit('many audiences', { ...good, audience: Array(17).fill('orders') }, '/audience'),
  unfit('a list of scopes', { ...good, scope: ['orders:read'] }, '/scope'),
  unfit('an empty scope', { ...good, scope: '' }, '/scope'),
  unfit('a client that is no text', { ...good, client_id: {} }, '/client_id'),
  {
    name: 'a prototype',
    question: jsonLogin(`${opened},"__proto__":{"admin":true}}`),
    status: 400,
    code: 'malformed',
    fields: ['/__proto__'],
  },
  {
    name: 'a megabyte',
    question: jsonLogin(`${opened},"scope":"${'x'.repeat(1024 * 1024)}"}`),
    status: 413,
    code: 'too-large',
    detail: 'the body may have 16 KiB',
  },
  {
    name: 'a megabyte in chunks, whose length is not said',
    question: {
      ...jsonLogin(`${opened},"scope":"${'x'.repeat(1024 * 1024)}"}`),
      headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
    },
    status: 413,
    code: 'too-large',
  },
  wrongType('text/plain'),
  wrongType('application/x-www-form-urlencoded'),
  wrongType('multipart/form-data; boundary=x'),
  wrongType('application/jsonp'),
  wrongType('json'),
  {
    name: 'no content type',
    question: { method: 'POST', path: '/login', body: JSON.stringify(good) },
    status: 415,
    code: 'unsupported-media-type',
  },
  {
    name: 'neither body nor content type',
    question: { method: 'POST', path: '/login' },
    status: 400,
    code: 'malformed',
  },
]

test('the good body of this file is good, so that each of the others has one fault', async () => {
  assert.equal((await identity.ask(jsonLogin(`${opened}}`))).status, 200)
  const withCharset = jsonLogin(`${opened}}`, 'application/json; charset=utf-8')
  assert.equal((await identity.ask(withCharset)).status, 200)
})

test('every malformed body is answered with its status, its code and the field at fault', async () => {
  const rowsBefore = await identity.countRows('sessions')
  assert.ok(malformed.length >= 50)
  for (const { name, question, status, code, detail, fields } of malformed) {
    const answer = await identity.ask(question)
    assert.equal(answer.status, status, `${name}: ${answer.body}`)
    assert.match(String(answer.headers['content-type']), /^application\/problem\+json\b/, name)
    assert.equal(answer.headers['cache-control'], 'no-store', name)
    const problem = answer.members()
    assert.equal(problem['code'], code, name)
    assert.equal(problem['status'], status, name)
    assert.equal(problem['type'], `urn:portcullis:problem:${code}`, name)
    if (detail !== undefined) assert.equal(problem['detail'], detail, name)
    if (fields !== undefined) assert.deepEqual(fieldsOf(problem), new Set(fields), name)
  }
  assert.equal(await identity.countRows('sessions'), rowsBefore)
})

test('no answer repeats a value of the body', async () => {
  const secret = 'a-value-that-is-typed-into-the-wrong-field'
  for (const body of [
    { identifier: [secret], password: secret },
    { identifier, password, audience: secret },
    { identifier, password, scope: secret },
    { identifier, password, client_id: secret },
    { identifier: secret, password: secret },
  ]) {
    const answer = await identity.login(body)
    assert.ok(answer.status >= 400)
    assert.ok(!answer.body.includes(secret), answer.body)
  }
})

function fieldsOf(problem: Readonly<Record<string, unknown>>): ReadonlySet<unknown> {
  const errors = problem['errors']
  assert.ok(Array.isArray(errors))
  for (const error of errors) assert.equal(typeof error.message, 'string')
  return new Set(errors.map((error) => error.field))
}
