import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { FileWorld } from './file-world.ts'
import { open, startFileWorld } from './file-world.ts'
import { readUntil } from './http-client.ts'
import type { Recorder } from './recorder.ts'
import { startRecorder } from './recorder.ts'
import { namesShown, openSecurely } from './tls-client.ts'
import type { PairName } from './tls-files.ts'
import { keyOf, pairIn, pathsOf } from './tls-files.ts'

const ofService = 'DNS:localhost'
const ofShop = 'DNS:shop.example, DNS:*.shop.example'

interface TlsFileWorld extends FileWorld {
  readonly port: number
  readonly pair: ReturnType<typeof pairIn>
  readonly service: Recorder
}

/** A gateway whose certificate is that of `first`, in files that a test can write. */
async function startTlsFileWorld(
  t: TestContext,
  first: PairName = 'service',
  now?: () => number,
): Promise<TlsFileWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-tls-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const pair = pairIn(folder, first)
  const service = await startRecorder()
  t.after(service.close)
  const { cert, key } = pair
  const members = {
    listen: { port: 0, tls: { cert, key } },
    routes: [open('/*', [service.origin])],
  }
  const world = await startFileWorld(t, members, now === undefined ? {} : { now })
  return { ...world, port: world.gateway.port, pair, service }
}

const request = 'GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n'

test('a certificate whose files change is shown to who comes next, and no connection is dropped', async (t) => {
  const { port, pair, tick, warnings, metrics } = await startTlsFileWorld(t)
  const kept = await openSecurely(port)
  kept.write(request)
  await readUntil(kept, '{"ok":true}')
  assert.equal(await namesShown(port), ofService)
  pair.put('shop')
  await tick()
  assert.equal(await namesShown(port), ofShop)
  assert.equal(await warnings(), undefined)
  assert.match(
    await metrics(),
    /^portcullis_gateway_certificate_end_timestamp_seconds 4733510400$/m,
  )
  kept.write(request)
  assert.match(await readUntil(kept, '{"ok":true}'), /^HTTP\/1\.1 200 /)
  kept.destroy()
})

test('a session that was begun under the old certificate is not taken up again', async (t) => {
  const { port, pair, tick } = await startTlsFileWorld(t)
  const first = await openSecurely(port, { maxVersion: 'TLSv1.2' })
  const session = first.getSession()
  first.destroy()
  assert.ok(session)
  const options = { session, maxVersion: 'TLSv1.2', rejectUnauthorized: false } as const
  const isTakenUp = async (): Promise<boolean> => {
    const socket = await openSecurely(port, options)
    const isReused = socket.isSessionReused()
    socket.destroy()
    return isReused
  }
  assert.equal(await isTakenUp(), true)
  pair.put('shop')
  await tick()
  assert.equal(await isTakenUp(), false)
})

test('SIGHUP has the certificate taken at once', async (t) => {
  const { port, pair, gateway } = await startTlsFileWorld(t)
  pair.put('shop')
  await gateway.reload()
  assert.equal(await namesShown(port), ofShop)
})

const badPairs: Readonly<Record<string, readonly [(where: TlsFileWorld['pair']) => void, RegExp]>> =
  {
    'a certificate without its key': [
      ({ cert }) => writeFileSync(cert, readFileSync(pathsOf('shop').cert)),
      /the key in .* does not belong to the certificate/,
    ],
    'half a certificate': [
      ({ cert }) => writeFileSync(cert, readFileSync(cert).subarray(0, 300)),
      /holds no certificate in PEM/,
    ],
    'half a key': [
      ({ key }) => writeFileSync(key, keyOf('service').slice(0, 100)),
      /holds no private key in PEM/,
    ],
    'no key': [({ key }) => rmSync(key), /the key file .* cannot be read \(ENOENT\)/],
    'an expired one': [(pair) => pair.put('expired'), /has expired at 2021-01-01T00:00:00\.000Z/],
  }

test('a bad new certificate leaves the one before it in use, and that is told until it is sound', async (t) => {
  for (const [name, [spoil, told]] of Object.entries(badPairs)) {
    const { port, pair, tick, warnings, log, gateway } = await startTlsFileWorld(t)
    spoil(pair)
    await tick()
    assert.equal(await namesShown(port), ofService, name)
    assert.deepEqual(await warnings(), ['certificate-refused'], name)
    const [line = ''] = /^.*is not taken.*$/m.exec(log()) ?? []
    assert.match(line, told, name)
    assert.match(line, /\/listen\/tls /, name)
    await gateway.reload()
    assert.equal(await namesShown(port), ofService, name)
    assert.deepEqual(await warnings(), ['certificate-refused'], name)
    pair.put('shop')
    await tick()
    assert.equal(await namesShown(port), ofShop, name)
    assert.equal(await warnings(), undefined, name)
    assert.match(log(), /the certificates are sound again/)
    assert.ok(!log().includes('MIG'), 'the log has something of a key')
  }
})

test('a certificate that ends within two weeks is warned of, and then again that it has ended', async (t) => {
  const endMs = Date.UTC(2120, 0, 1)
  const dayMs = 86_400_000
  let nowMs = endMs - 15 * dayMs
  const { warnings, tick, log } = await startTlsFileWorld(t, 'service', () => nowMs)
  assert.equal(await warnings(), undefined)
  nowMs = endMs - 13 * dayMs
  await tick()
  assert.deepEqual(await warnings(), ['certificate-expires-soon'])
  const told = (): number => [...log().matchAll(/a certificate ends soon: renew it/g)].length
  assert.equal(told(), 1)
  await tick()
  assert.equal(told(), 1)
  nowMs += dayMs
  await tick()
  assert.equal(told(), 2)
  nowMs = endMs
  assert.deepEqual(await warnings(), ['certificate-expired'])
})

test('a new file may name other certificates, and one that is bad changes nothing', async (t) => {
  const { port, write, gateway, warnings, service, log } = await startTlsFileWorld(t)
  const routes = [open('/*', [service.origin])]
  const hsts = { maxAgeSeconds: 60 }
  write({ listen: { port: 0, tls: { ...pathsOf('shop'), hsts } }, routes })
  await gateway.reload()
  assert.equal(await namesShown(port), ofShop)
  const socket = await openSecurely(port, { rejectUnauthorized: false })
  socket.write(request)
  assert.match(await readUntil(socket, '{"ok":true}'), /Strict-Transport-Security: max-age=60\r\n/)
  socket.destroy()
  const mismatched = { cert: pathsOf('service').cert, key: pathsOf('shop').key }
  write({ listen: { port: 0, tls: mismatched }, routes: [open('/nowhere', [service.origin])] })
  await gateway.reload()
  assert.equal(await namesShown(port), ofShop)
  assert.deepEqual(await warnings(), ['settings-file-refused'])
  assert.match(log(), /\/listen\/tls the key in .* does not belong to /)
})

test('to begin or to end TLS waits for a restart', async (t) => {
  const { port, write, gateway, warnings, service } = await startTlsFileWorld(t)
  write({ listen: { port: 0 }, routes: [open('/*', [service.origin])] })
  await gateway.reload()
  assert.equal(await namesShown(port), ofService)
  assert.deepEqual(await warnings(), ['restart-needed'])
})
