import assert from 'node:assert/strict'
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { ConnectionOptions } from 'node:tls'
import { connect } from 'node:tls'
import { readTlsFiles, startCertificateReload, StartError } from '@portcullis/runtime'
import { createChosenRepeat } from '../../runtime/test/chosen-repeat.ts'
import { boundPort, createHttpServer } from '../src/http/server.ts'
import type { TlsTransport } from '../src/http/transport.ts'
import { createTlsTransport } from '../src/http/transport.ts'
import { ask, sendRaw } from './http-client.ts'
import { createLogInMemory, startRunningIdentity } from './running-identity.ts'
import { createTemporaryFolder } from './temporary-folder.ts'
import type { ListenerFiles } from './tls-files.ts'
import { certificateOf, keyOf, listenerFilesIn } from './tls-files.ts'

const ca = [certificateOf('first'), certificateOf('second')]

function filesFor(t: TestContext): ListenerFiles {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  return listenerFilesIn(folder.path)
}

interface Greeted {
  readonly protocol: string | null
  /** Whose certificate was shown. */
  readonly name: unknown
}

async function greet(port: number, options: ConnectionOptions = {}): Promise<Greeted> {
  const socket = connect({ host: '127.0.0.1', port, ca, ...options })
  try {
    await once(socket, 'secureConnect')
    return { protocol: socket.getProtocol(), name: socket.getPeerCertificate().subject.CN }
  } finally {
    socket.destroy()
  }
}

const outdated: ConnectionOptions = {
  minVersion: 'TLSv1.1',
  maxVersion: 'TLSv1.1',
  ciphers: 'ALL@SECLEVEL=0',
}

test('an issuer with certificate and key speaks TLS 1.2 and later, and nothing else', async (t) => {
  const { certificateFile, keyFile } = filesFor(t)
  const identity = await startRunningIdentity({
    file: { listen: { port: 0, tls: { certificateFile, keyFile } } },
  })
  t.after(identity.close)
  const { port } = identity
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const greeted = await greet(port, { minVersion: version, maxVersion: version })
    assert.deepEqual(greeted, { protocol: version, name: 'first' })
  }
  await assert.rejects(greet(port, outdated), /alert protocol version/)
  assert.doesNotMatch(await sendRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'), /^HTTP/)
  assert.match(
    identity.logged(),
    /"code":"ERR_SSL_HTTP_REQUEST","msg":"plain http came to the port/,
  )

  const asked = request({ host: '127.0.0.1', port, ca, path: '/.well-known/jwks.json' }).end()
  const [answer] = await once(asked, 'response')
  assert.equal(answer.statusCode, 200)
  assert.match(await text(answer), /"keys"/)
  assert.doesNotMatch(identity.logged(), /PRIVATE/)
})

test('Prometheus is told when the certificate in use ends', async (t) => {
  const { certificateFile, keyFile } = filesFor(t)
  const identity = await startRunningIdentity({
    file: { listen: { port: 0, tls: { certificateFile, keyFile } } },
  })
  t.after(identity.close)
  const ends = new X509Certificate(certificateOf('first')).validToDate.getTime() / 1000
  const { body } = await ask(identity.operationsPort, { path: '/metrics' })
  assert.ok(
    body.includes(`\nportcullis_identity_certificate_end_timestamp_seconds ${ends}\n`),
    body,
  )
})

test('files that are missing, bad or of two pairs are a StartError that says which', async (t) => {
  const { certificateFile, keyFile, putCertificate, putKey } = filesFor(t)
  const secret = keyOf('first').toString().split('\n')[1] ?? ''
  const encrypted = createPrivateKey(keyOf('first')).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: randomBytes(16).toString('hex'),
  })
  const wrongs: readonly (readonly [() => void, RegExp])[] = [
    [() => putKey('second'), /the key in .*key\.pem does not belong to .*certificate\.pem/],
    [
      () => writeFileSync(keyFile, encrypted),
      /key file .*key\.pem holds no private key.*encrypted/,
    ],
    [() => writeFileSync(keyFile, `${secret}\n`), /key file .*key\.pem holds no private key/],
    [() => writeFileSync(keyFile, ''), /key file .*key\.pem holds no private key/],
    [
      () => writeFileSync(certificateFile, 'x'),
      /certificate file .*certificate\.pem holds no cert/,
    ],
    [() => writeFileSync(certificateFile, keyOf('first')), /certificate\.pem holds no certificate/],
    [
      () =>
        writeFileSync(
          certificateFile,
          `${certificateOf('first').toString()}-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n`,
        ),
      /certificates in .*certificate\.pem cannot be used/,
    ],
  ]
  for (const [spoil, message] of wrongs) {
    putCertificate('first')
    putKey('first')
    spoil()
    await assert.rejects(readTlsFiles({ certificateFile, keyFile }), (error) => {
      assert.ok(error instanceof StartError)
      assert.match(error.message, message)
      assert.ok(!`${error.stack} ${String(error.cause)}`.includes(secret), 'the key is repeated')
      return true
    })
  }
  const missing = { certificateFile, keyFile: `${keyFile}.missing` }
  await assert.rejects(readTlsFiles(missing), /key file .*missing cannot be read \(ENOENT\)/)
  const listen = { port: 0, tls: missing }
  await assert.rejects(startRunningIdentity({ file: { listen } }), StartError)
})

interface RunningListener {
  readonly port: number
  /** Lets the job look at the files now. */
  readonly look: () => Promise<void>
  readonly logged: () => string
}

async function startListener(t: TestContext, files: ListenerFiles): Promise<RunningListener> {
  const { log, logged } = createLogInMemory()
  const inUse = await readTlsFiles(files)
  const transport: TlsTransport = createTlsTransport(inUse, log)
  const app = createHttpServer(log, { issuer: 'https://id.example', transport })
  app.get('/', async () => ({ here: true }))
  t.after(() => app.close())
  t.after(() => app.server.closeAllConnections())
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { repeat, step } = createChosenRepeat()
  const stop = startCertificateReload({
    inUse,
    read: () => readTlsFiles(files),
    use: transport.useCertificate,
    log,
    repeat,
  })
  t.after(stop)
  return { port: boundPort(app), look: step, logged }
}

test('a new certificate is for new connections, and the open ones go on', async (t) => {
  const files = filesFor(t)
  const { port, look, logged } = await startListener(t, files)
  const agent = new Agent({ ca, keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const sockets = new Set<unknown>()
  const askOnce = async (): Promise<void> => {
    const asked = request({ host: '127.0.0.1', port, path: '/', agent }).end()
    const [answer] = await once(asked, 'response')
    assert.equal(await text(answer), '{"here":true}')
    sockets.add(asked.socket)
  }
  await askOnce()
  await look()
  assert.equal((await greet(port)).name, 'first')

  files.putCertificate('second')
  files.putKey('second')
  await look()
  assert.equal((await greet(port)).name, 'second')
  await assert.rejects(greet(port, outdated), /alert protocol version/)
  await askOnce()
  assert.equal(sockets.size, 1)
  assert.equal(logged().match(/the certificate has changed/g)?.length, 1)
})

test('while the files do not belong together the certificate from before stays', async (t) => {
  const files = filesFor(t)
  const { port, look, logged } = await startListener(t, files)
  files.putCertificate('second')
  await look()
  assert.equal((await greet(port)).name, 'first')
  assert.match(logged(), /cannot be read again; the one from before stays in use/)
  files.putKey('second')
  await look()
  assert.equal((await greet(port)).name, 'second')
  assert.match(logged(), /the certificate can be read again/)
})
