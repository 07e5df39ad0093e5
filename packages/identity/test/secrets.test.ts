import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { newRandomSecret } from '../src/index.ts'
import { createSealer } from '../src/domain/sealing.ts'
import { pathOfDatabase } from '../src/store/open-database.ts'
import { sendRaw } from './http-client.ts'
import type { RunningIdentity } from './running-identity.ts'
import { basic, formToken, jsonLogin, machine, startRunningIdentity } from './running-identity.ts'

/** Words that occur nowhere but in what people and programs send. */
const person = {
  identifier: 'someone-with-a-rare-name',
  password: newRandomSecret(),
  roles: ['customer'],
}
const sent = {
  identifier: person.identifier,
  password: person.password,
  'wrong password': newRandomSecret(),
  'unknown identifier': 'another-rare-name',
  'client secret': machine.clientSecret,
  'wrong client secret': newRandomSecret(),
  'word in the wrong field': newRandomSecret(),
  'token in a query': newRandomSecret(),
  'bearer token': newRandomSecret(),
  cookie: newRandomSecret(),
}

const identity = await startRunningIdentity({ accounts: [person] })
after(identity.close)

/** Everything that can be done here, well and badly; answers the tokens that were issued. */
async function doEverything(issuer: RunningIdentity): Promise<readonly string[]> {
  const { identifier, password } = person
  const grant = { grant_type: 'client_credentials' }
  const wrong = sent['word in the wrong field']
  const answers = [
    await issuer.login({ identifier, password }),
    await issuer.login({ identifier: identifier.toUpperCase(), password, audience: 'orders' }),
    await issuer.token(grant, basic(machine.clientId, machine.clientSecret)),
    await issuer.token({
      ...grant,
      client_id: machine.clientId,
      client_secret: machine.clientSecret,
    }),
  ]
  const refused = [
    await issuer.login({ identifier, password: sent['wrong password'] }),
    await issuer.login({ identifier: sent['unknown identifier'], password }),
    await issuer.login({ identifier: wrong, password: wrong }),
    await issuer.login({ identifier: [wrong], password, [wrong]: wrong }),
    await issuer.login({ identifier, password, audience: wrong }),
    await issuer.login({ identifier, password, scope: wrong }),
    await issuer.login({ identifier, password, client_id: wrong }),
    await issuer.ask(jsonLogin(`{"identifier":"${identifier}","password":"${password}"`)),
    await issuer.ask(jsonLogin(`password=${password}`, 'text/plain')),
    await issuer.ask(jsonLogin(`{"password":"${password.repeat(1000)}"}`)),
    await issuer.token(grant, basic(machine.clientId, sent['wrong client secret'])),
    await issuer.token(grant, { authorization: `Bearer ${sent['bearer token']}` }),
    await issuer.token({ ...grant, scope: wrong }, basic(machine.clientId, machine.clientSecret)),
    await issuer.token({ grant_type: wrong, client_secret: machine.clientSecret }),
    await issuer.ask(formToken(`client_secret=${wrong}&client_secret=${wrong}`)),
    await issuer.ask({ path: `/login?access_token=${sent['token in a query']}` }),
    await issuer.ask({ path: `/${sent['token in a query']}`, headers: { cookie: sent.cookie } }),
  ]
  for (const answer of refused) assert.ok(answer.status >= 400, answer.body)
  await sendRaw(issuer.port, `${sent['bearer token']}\r\n\r\n`)
  await issuer.query('ALTER TABLE sessions RENAME TO elsewhere')
  assert.equal((await issuer.login({ identifier, password })).status, 500)
  await issuer.query('ALTER TABLE elsewhere RENAME TO sessions')
  return answers.map((answer) => String(answer.members()['access_token']))
}

test('nothing that identifies or authenticates anyone is ever logged', async () => {
  const tokens = await doEverything(identity)
  const logged = identity.logged()
  const outcomes = ['signed-in', 'bad-credentials', 'granted', 'bad-client', 'unexpected error']
  for (const outcome of outcomes) assert.ok(logged.includes(outcome), `${outcome} was not logged`)

  assert.equal(tokens.length, 4)
  for (const token of tokens) {
    const parts = token.split('.')
    assert.equal(parts.length, 3)
    for (const part of parts) assert.ok(!logged.includes(part), 'a part of a token')
  }
  for (const [name, word] of Object.entries(sent)) {
    for (const spelling of spellingsOf(word)) {
      assert.ok(!logged.toLowerCase().includes(spelling.toLowerCase()), name)
    }
  }
  const { authorization } = basic(machine.clientId, machine.clientSecret)
  assert.ok(!logged.includes(authorization.slice('Basic '.length)))
})

function isWarning(line: string): boolean {
  return line.includes('a secret file can be read by')
}

test('a secret file that others can read is warned of at the start, by its variable and its mode', async (t) => {
  const variable = 'PORTCULLIS_SEALING_KEY_FILE'
  const node = await identity.startNode({ exposedFiles: [{ variable, mode: '0644' }] })
  t.after(node.close)
  const [warning = '', ...others] = node.logged().split('\n').filter(isWarning)
  assert.deepEqual(others, [])
  const { level, mode, variable: named } = JSON.parse(warning) as Record<string, unknown>
  assert.deepEqual({ level, mode, named }, { level: 40, mode: '0644', named: variable })
  assert.ok(!identity.logged().split('\n').some(isWarning))
})

test('neither a private key nor a password nor a secret is in the database file', async () => {
  const rows = await identity.query('SELECT kid, sealed_private_key FROM signing_keys')
  // Moves what is still in the side file into the main one.
  await identity.query('PRAGMA wal_checkpoint(TRUNCATE)')
  const octets = readFileSync(pathOfDatabase(identity.database) ?? assert.fail())
  const contains = (needle: string | Buffer): boolean => octets.includes(needle)
  assert.ok(contains(person.identifier), 'the file is not the one that is used')

  // Two algorithms and the feed, each with an active and a pending key.
  assert.equal(rows.length, 6)
  assert.ok(!contains('PRIVATE KEY'))
  const sealer = createSealer(identity.sealingKey, () => new Uint8Array())
  for (const row of rows) {
    const opened = sealer.open(String(row['sealed_private_key']), String(row['kid']))
    assert.ok(opened.kind === 'opened')
    const key = createPrivateKey(opened.plaintext)
    const jwk = key.export({ format: 'jwk' })
    const privateParts = [jwk.d, jwk.p, jwk.q].filter((part) => part !== undefined)
    assert.ok(privateParts.length > 0)
    for (const part of privateParts) {
      for (const form of formsOf(Buffer.from(part, 'base64url'))) assert.ok(!contains(form))
    }
    const der = key.export({ type: 'pkcs8', format: 'der' })
    for (const form of formsOf(der)) assert.ok(!contains(form))
    const [, firstLine = ''] = opened.plaintext.split('\n')
    assert.ok(firstLine.length > 32 && !contains(firstLine))
  }
  for (const word of [person.password, machine.clientSecret]) {
    for (const spelling of spellingsOf(word)) assert.ok(!contains(spelling))
  }
  for (const form of formsOf(identity.sealingKey)) assert.ok(!contains(form))
})

function spellingsOf(word: string): readonly string[] {
  return [word, Buffer.from(word).toString('base64').replaceAll('=', ''), encodeURIComponent(word)]
}

function formsOf(octets: Buffer): readonly (string | Buffer)[] {
  return [octets, ...(['base64', 'base64url', 'hex'] as const).map((form) => octets.toString(form))]
}
