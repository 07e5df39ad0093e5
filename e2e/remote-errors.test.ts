import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '../tools/free-port.ts'
import type { RunningSystem, Variables } from './running-system.ts'
import { newFolder, removeFolder, runPortcullis, startSystem } from './running-system.ts'

let system: RunningSystem

before(async () => {
  system = await startSystem()
})

after(async () => {
  await system.stop()
  removeFolder(system.folder)
})

interface Said {
  readonly code: number | string
  readonly errors: string
}

interface Place {
  readonly folder?: string
  readonly variables?: Variables
  readonly input?: Buffer
}

async function said(parameters: readonly string[], place: Place = {}): Promise<Said> {
  const { folder = system.folder, variables = {}, input } = place
  const run = runPortcullis(parameters, {
    folder,
    variables,
    ...(input === undefined ? {} : { input }),
  })
  return { code: await run.ended, errors: run.errors() }
}

const credentials = ['--credentials', '.portcullis/credentials.json']
const list = ['accounts', 'list', ...credentials]
const reason = ['--reason', 'a test']

test('an --issuer that is none is told apart from credentials that are wrong', async () => {
  const { identity, gateway, orders } = system.endpoints
  for (const url of [gateway, orders]) {
    const { code, errors } = await said([...list, '--issuer', url])
    assert.equal(code, 1, errors)
    assert.match(errors, new RegExp(`^${url} is no issuer\nWrite --issuer as identity has it`))
  }
  const byNumber = identity.replace('localhost', '127.0.0.1')
  const other = await said([...list, '--issuer', byNumber])
  assert.deepEqual(other, {
    code: 1,
    errors: `the issuer at ${byNumber} is called ${identity}\nWrite --issuer ${identity}.\n`,
  })
  const malformed = await said(['accounts', 'list', '--issuer', 'notaurl'])
  assert.equal(malformed.code, 2)
  assert.match(malformed.errors, /^this is not the URL of an issuer: it is not a URL\n/)
  const nobody = `http://localhost:${await freePort()}`
  const { code, errors } = await said([...list, '--issuer', nobody])
  assert.equal(code, 3)
  assert.match(errors, /cannot be reached: ECONNREFUSED\nCheck --issuer/)
})

const identityTls = new URL('../packages/identity/test/tls/', import.meta.url)
const gatewayTls = new URL('../packages/gateway/test/tls/', import.meta.url)

/** Answers https on a free port, with this certificate. */
async function listen(t: TestContext, folder: URL, name: string): Promise<string> {
  const cert = readFileSync(new URL(`${name}-certificate.pem`, folder))
  const key = readFileSync(new URL(`${name}-key.pem`, folder))
  const server = createServer({ cert, key }, (_request, response) => response.end())
  t.after(() => server.close())
  await once(server.listen(0, 'localhost'), 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return `https://localhost:${address.port}`
}

test('what is wrong with a certificate is said, and not that nobody is there', async (t) => {
  const selfSigned = await listen(t, identityTls, 'first')
  const untrusted = await said([...list, '--issuer', selfSigned])
  assert.equal(untrusted.code, 3)
  const untrustedForm =
    /authority that this machine does not trust \(DEPTH_ZERO_SELF_SIGNED_CERT\)\nName the PEM file .*NODE_EXTRA_CA_CERTS/
  assert.match(untrusted.errors, untrustedForm)
  const input = Buffer.from('prt_1')
  const revoke = ['token', 'revoke', '--client-id', 'web', '--issuer', selfSigned]
  assert.match((await said(revoke, { input })).errors, untrustedForm)
  const authority = fileURLToPath(new URL('first-certificate.pem', identityTls))
  const trusted = await said([...list, '--issuer', selfSigned], {
    variables: { NODE_EXTRA_CA_CERTS: authority },
  })
  assert.match(trusted.errors, /is no issuer\n/)

  const shop = await listen(t, gatewayTls, 'shop')
  const gatewayAuthority = fileURLToPath(new URL('authority-certificate.pem', gatewayTls))
  const variables = { NODE_EXTRA_CA_CERTS: gatewayAuthority }
  const other = await said([...list, '--issuer', shop], { variables })
  assert.equal(other.code, 3)
  assert.match(other.errors, /for another name \(ERR_TLS_CERT_ALTNAME_INVALID\)\nWrite the URL/)
})

test('what there is none of, what may stand there and what is missing is named', async () => {
  for (const [parameters, code, form] of [
    [['keys', 'withdraw', 'nope', ...reason], 1, /^there is no key nope\nSee: keys list\.$/m],
    [
      ['streams', 'delete', 'nope', ...reason],
      1,
      /^there is no stream nope\nSee: streams list\.$/m,
    ],
    [
      ['sessions', 'end', 'nope', ...reason],
      1,
      /^there is no session nope\nSee: sessions list\.$/m,
    ],
    [
      ['audit', 'list', '--kind', 'session-ende'],
      1,
      /\/kind is none of .*session-ended.*\nCorrect the command/,
    ],
    [
      ['anomalies', 'list', '--severity', 'bad'],
      1,
      /\/severity is none of notice, warning, critical\nCorrect/,
    ],
    [
      ['anomalies', 'list', '--rule', 'bad'],
      1,
      /\/rule is none of .*credential-stuffing.*\nCorrect/,
    ],
    [
      ['accounts', 'reset', 'alice', ...reason],
      1,
      /no address that a link could be sent to\nNothing was changed\. Give it an address/,
    ],
    [['accounts', 'create', 'ivan', '--password-stdin'], 2, /^standard input holds no password\n/],
  ] as const) {
    const told = await said(parameters)
    assert.equal(told.code, code, told.errors)
    assert.match(told.errors, form)
  }
})

test('in a folder without a development system the way to one is said', async () => {
  const folder = newFolder()
  const { issuer, named } = { issuer: system.endpoints.identity, named: join(folder, 'none.json') }
  for (const parameters of [
    ['accounts', 'list'],
    ['token', 'revoke', '--client-id', 'web'],
  ]) {
    const { code, errors } = await said(parameters, { folder, input: Buffer.from('prt_1') })
    assert.equal(code, 2)
    assert.match(errors, /^there is no development system in this folder: /)
    assert.match(errors, /\nRun `portcullis dev` here .* --issuer URL and --credentials FILE\.\n$/)
  }
  const place = ['--issuer', issuer, '--credentials', named]
  const { errors } = await said(['accounts', 'list', ...place], { folder })
  assert.match(errors, /^[^\n]*none\.json cannot be read \(ENOENT\)/)
  assert.doesNotMatch(errors, /development system/)
  removeFolder(folder)
})
