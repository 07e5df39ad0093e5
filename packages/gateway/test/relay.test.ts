import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { createLog, StartError } from '@portcullis/runtime'
import { createTestIssuer } from '@portcullis/verify/testing'
import type { PairName } from '../../identity/test/tls-files.ts'
import { certificateOf, listenerFilesIn } from '../../identity/test/tls-files.ts'
import { startTcpProxy } from '../../verify/test/tcp-proxy.ts'
import type { RelaySettings } from '../src/relay/index.ts'
import { parseRelaySettings, startRelay } from '../src/relay/index.ts'
import {
  fateOf,
  feedToken,
  grantedToken,
  healthOf,
  openStream,
  startRelayWorld,
  statusAt,
} from './relay-world.ts'
import { waitUntil } from './wait-until.ts'

const sid = 'A'.repeat(22)
const other = 'B'.repeat(22)

test('ten services behind a relay refuse what is revoked at once, by one stream and one snapshot of the issuer', async (t) => {
  const { issuer, follow } = await startRelayWorld(t)
  const before = { ...issuer.feedRequests }
  const services = await Promise.all(Array.from({ length: 10 }, () => follow()))
  const token = issuer.mint({ sid })
  for (const service of services) assert.equal(await fateOf(service, token), 'accepted')
  issuer.revoke({ sid })
  const allRefuse = async (): Promise<boolean> => {
    const fates = await Promise.all(services.map((service) => fateOf(service, token)))
    return fates.every((fate) => fate === 'revoked')
  }
  t.diagnostic(`refused by ten after ${(await waitUntil(allRefuse, 'a refusal')).toFixed(1)} ms`)
  for (const service of services) assert.equal(healthOf(service).source, 'relay')
  assert.equal(issuer.feedRequests.stream, 1)
  // Those of the relay itself and of its first readers, who came before or after the second that it keeps one.
  assert.ok(issuer.feedRequests.snapshot - before.snapshot <= 2)
})

test('frames are handed on as they came, octet by octet', async (t) => {
  let upstream = ''
  const { issuer, address } = await startRelayWorld(t, {
    fetch:
      ({ fetch }) =>
      async (url, init) => {
        const response = await fetch(url, init)
        if (!url.includes('stream')) return response
        const [seen, passed] = response.body?.tee() ?? assert.fail('no body')
        void (async () => {
          for await (const chunk of seen) upstream += Buffer.from(chunk).toString('latin1')
        })().catch(() => undefined)
        return new Response(passed)
      },
  })
  const { epoch } = issuer.revoke({ sid: other })
  await waitUntil(() => upstream.includes(`${epoch}:1`), 'the record')
  const relayed = await openStream(address, `${epoch}:1`)
  issuer.revoke({ sid })
  const events = [await relayed.next(), await relayed.next()]
  assert.ok(events.some((event) => event.includes(`id: ${epoch}:2`)))
  for (const event of events) assert.ok(upstream.includes(`${event}\n\n`), event)
  relayed.close()
})

test('a relay goes on from each position that it has kept, and from no other', async (t) => {
  const { issuer, address } = await startRelayWorld(t)
  const { epoch, seq: first } = issuer.revoke({ sid: other })
  for (let more = 0; more < 9; more += 1) issuer.revoke({ sid })
  const head = first + 9
  await waitUntil(async () => {
    const stream = await openStream(address, `${epoch}:${head}`)
    stream.close()
    return stream.status === 200
  }, 'the last record')
  const recordsOf = async (after: number): Promise<Buffer> => {
    const stream = await openStream(address, `${epoch}:${after}`)
    assert.equal(stream.status, 200)
    const event = await stream.next()
    stream.close()
    assert.match(event, new RegExp(`^event: records\nid: ${epoch}:${head}\ndata: `))
    return Buffer.from(/"records":"([^"]*)"/.exec(event)?.[1] ?? '', 'base64url')
  }
  const all = await recordsOf(first)
  assert.equal(all.length, 9 * 33)
  for (const missed of [0, 1, 5]) {
    assert.deepEqual(await recordsOf(head - missed), all.subarray(all.length - missed * 33))
  }
  const statusAfter = (after: string): Promise<number> =>
    statusAt(`${address}/revocations/stream?after=${after}`)
  assert.equal(await statusAfter(`${'E'.repeat(22)}:${head}`), 410)
  assert.equal(await statusAfter(`${epoch}:${head + 1}`), 410)
  for (const after of ['', 'x', `${epoch}:-1`]) assert.equal(await statusAfter(after), 400)
})

test('whoever is ahead of the relay by a moment is waited for', async (t) => {
  const { issuer, address } = await startRelayWorld(t)
  const { epoch, seq } = issuer.revoke({ sid: other })
  const opened = openStream(address, `${epoch}:${seq + 1}`)
  await setTimeout(300)
  issuer.revoke({ sid })
  const stream = await opened
  assert.equal(stream.status, 200)
  stream.close()
})

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })

test('only clients that may read the feed of the issuer read it here, and only for as long as they may', async (t) => {
  const { issuer, address } = await startRelayWorld(t, { issuer: { feed: { wantsToken: true } } })
  const good = await grantedToken(issuer)
  const { epoch, seq } = issuer.revoke({ sid: other })
  const snapshot = `${address}/revocations/snapshot`
  const wrong: readonly (readonly [string, number])[] = [
    [feedToken(issuer, { scope: 'orders:read' }), 403],
    [feedToken(issuer, { aud: 'orders' }), 401],
    [feedToken(issuer, { aud: [issuer.issuer, 'orders'] }), 401],
    [feedToken(issuer, { exp: 1 }), 401],
    ['nonsense', 401],
  ]
  for (const url of [snapshot, `${address}/revocations/stream?after=${epoch}:${seq}`]) {
    assert.equal(await statusAt(url, bearer(good)), 200)
    for (const [token, status] of wrong) assert.equal(await statusAt(url, bearer(token)), status)
  }
  const stream = await openStream(address, `${epoch}:${seq}`, bearer(good))
  await stream.next()
  issuer.revoke({ clientId: 'orders-service', floor: 1 })
  await stream.ended
  assert.equal(await statusAt(snapshot, bearer(good)), 401)
})

test('anything but the two addresses of the feed is not there', async (t) => {
  const { address } = await startRelayWorld(t)
  assert.equal(await statusAt(`${address}/`), 404)
  assert.equal(await statusAt(`${address}/.well-known/revocation-keys.json`), 404)
  assert.equal(await statusAt(`${address}/revocations/positions`), 404)
  const post = await fetch(`${address}/revocations/snapshot`, { method: 'POST' })
  assert.equal(post.status, 405)
})

test('a relay without its issuer says so, and its services read elsewhere, keep the bound and come back', async (t) => {
  const partition: { -readonly [Member in 'goSilent' | 'heal']?: () => void } = {}
  const world = await startRelayWorld(t, {
    fetch: async ({ issuer }) => {
      const proxy = await startTcpProxy(t, issuer)
      Object.assign(partition, proxy)
      return proxy.fetch
    },
  })
  const { issuer, relay, address, follow, log } = world
  const service = await follow()
  const ready = `http://127.0.0.1:${relay.operationsPort}/health/ready`
  assert.equal(await statusAt(ready), 200)
  assert.equal(healthOf(service).source, 'relay')

  partition.goSilent?.()
  const token = issuer.mint({ sid })
  issuer.revoke({ sid })
  const refusedMs = await waitUntil(
    async () => (await fateOf(service, token)) === 'revoked',
    'a refusal',
    8_000,
  )
  assert.ok(refusedMs < 5_000, `${refusedMs} ms`)
  await waitUntil(() => healthOf(service).source === 'issuer', 'the issuer is read')
  await waitUntil(async () => (await statusAt(ready)) === 503, 'no readiness')
  assert.equal(await statusAt(`${address}/revocations/snapshot`), 503)
  await waitUntil(() => log().includes('nothing comes from upstream'), 'a line in the log')

  partition.heal?.()
  await waitUntil(async () => (await statusAt(ready)) === 200, 'readiness', 10_000)
  await waitUntil(() => healthOf(service).source === 'relay', 'the relay is read again', 20_000)
  const later = issuer.mint({ sid: other })
  issuer.revoke({ sid: other })
  await waitUntil(async () => (await fateOf(service, later)) === 'revoked', 'a refusal')
})

test('a relay tells the metrics that docs/metrics.md has for it, and no others', async (t) => {
  const { relay, follow } = await startRelayWorld(t)
  await follow()
  const answer = await fetch(`http://127.0.0.1:${relay.operationsPort}/metrics`)
  const told = Array.from((await answer.text()).matchAll(/^# TYPE (portcullis_\w+) /gm))
  const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')
  const documented = page.matchAll(/^\| `(portcullis_\w+)` .* relay +\|/gm)
  assert.ok(told.length >= 6)
  assert.deepEqual(firstGroups(told), firstGroups(documented))
})

function firstGroups(found: Iterable<RegExpMatchArray>): readonly string[] {
  return Array.from(found, ([, name = '']) => name).toSorted()
}

test('a service that is cut off from its relay without a word goes on at the issuer', async (t) => {
  const { issuer, address, follow } = await startRelayWorld(t)
  const proxy = await startTcpProxy(t, address)
  const service = await follow({ fetch: proxy.fetch })
  assert.equal(healthOf(service).source, 'relay')
  proxy.goSilent()
  const token = issuer.mint({ sid })
  issuer.revoke({ sid })
  const refusedMs = await waitUntil(
    async () => (await fateOf(service, token)) === 'revoked',
    'a refusal',
    8_000,
  )
  assert.ok(refusedMs < 5_000, `${refusedMs} ms`)
  await waitUntil(() => healthOf(service).source === 'issuer', 'the issuer is read')
})

test('a new epoch of the log reaches services through the relay', async (t) => {
  const { issuer, address, follow } = await startRelayWorld(t)
  const service = await follow()
  issuer.revoke({ sid: other })
  await waitUntil(() => healthOf(service).seq === 1, 'the record')
  issuer.startEpoch()
  const token = issuer.mint({ sid })
  const { epoch } = issuer.revoke({ sid })
  await waitUntil(async () => (await fateOf(service, token)) === 'revoked', 'a refusal')
  assert.equal(await fateOf(service, issuer.mint({ sid: other })), 'revoked')
  await waitUntil(() => healthOf(service).epoch === epoch, 'the new epoch')
  await waitUntil(
    async () => (await statusAt(`${address}/revocations/stream?after=${epoch}:1`)) === 200,
    'the relay in the new epoch',
  )
})

test('when a relay stops, its services go on at the issuer from where they were', async (t) => {
  const { issuer, relay, follow } = await startRelayWorld(t)
  const service = await follow()
  await waitUntil(() => healthOf(service).counts.framesApplied > 0, 'a frame')
  const snapshots = issuer.feedRequests.snapshot
  const startedAt = performance.now()
  await relay.close()
  assert.ok(performance.now() - startedAt < 2_000, 'a stop waits for no stream')
  const token = issuer.mint({ sid })
  issuer.revoke({ sid })
  await waitUntil(async () => (await fateOf(service, token)) === 'revoked', 'a refusal')
  assert.equal(healthOf(service).source, 'issuer')
  assert.equal(issuer.feedRequests.snapshot, snapshots)
})

test('a relay reads at another relay', async (t) => {
  const first = await startRelayWorld(t)
  const { issuer } = first
  const second = await startRelayWorld(t, {
    sameIssuer: issuer,
    settings: { upstream: first.address },
  })
  const service = await second.follow()
  const token = issuer.mint({ sid })
  issuer.revoke({ sid })
  await waitUntil(async () => (await fateOf(service, token)) === 'revoked', 'a refusal')
  assert.equal(issuer.feedRequests.stream, 1)
})

test('more followers than there is room for are sent away, and one that leaves makes room', async (t) => {
  const { issuer, address } = await startRelayWorld(t, {
    settings: { limits: { followers: 3, followersPerClient: 2 } },
  })
  const { epoch, seq } = issuer.revoke({ sid: other })
  const open = (client?: string): ReturnType<typeof openStream> =>
    openStream(
      address,
      `${epoch}:${seq}`,
      client === undefined
        ? {}
        : { authorization: `Bearer ${feedToken(issuer, { sub: client, client_id: client })}` },
    )
  const [first] = await Promise.all([open('orders'), open('orders')])
  assert.equal((await open('orders')).status, 503)
  assert.equal((await open('reviews')).status, 200)
  assert.equal((await open('reviews')).status, 503)
  first.close()
  await waitUntil(async () => (await open('orders')).status === 200, 'a place')
})

/** Whether the relay is proven by this certificate, to whoever comes now. */
function isProvenBy(name: PairName, port: number): Promise<boolean> {
  const options = { ca: certificateOf(name), agent: false }
  return new Promise((resolve) => {
    get(`https://localhost:${port}/`, options, (response) => {
      response.resume()
      resolve(response.statusCode === 404)
    }).on('error', () => resolve(false))
  })
}

test('over TLS a relay shows the certificate of its files, and of newer ones ten seconds later', async (t) => {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  t.after(issuer.close)
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-relay-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const files = listenerFilesIn(folder)
  const settings = (keyFile: string): RelaySettings =>
    parseRelaySettings({
      listen: {
        host: 'localhost',
        port: 0,
        tls: { certificateFile: files.certificateFile, keyFile },
      },
      issuer: issuer.issuer,
    })
  const log = createLog({ name: 'relay', destination: { write: () => undefined } })
  await assert.rejects(startRelay(settings('/nowhere'), { log }), StartError)
  const relay = await startRelay(settings(files.keyFile), { log })
  t.after(relay.close)
  const shown = (): Promise<readonly boolean[]> =>
    Promise.all([isProvenBy('first', relay.port), isProvenBy('second', relay.port)])
  assert.deepEqual(await shown(), [true, false])
  files.putCertificate('second')
  files.putKey('second')
  assert.deepEqual(await shown(), [true, false])
  await setTimeout(9_500)
  await waitUntil(() => isProvenBy('second', relay.port), 'the newer certificate', 3_000)
  assert.deepEqual(await shown(), [false, true])
})

test('every mistake in the file is named', () => {
  const good = { listen: { port: 4005 }, issuer: 'https://id.example' }
  assert.deepEqual(parseRelaySettings(good).limits, { followers: 4096, followersPerClient: 1024 })
  const mistakes: readonly (readonly [object, RegExp])[] = [
    [{ ...good, isuer: 'x' }, /\/isuer is not a known setting/],
    [{ ...good, issuer: 'http://id.example' }, /\/issuer plain http is for loopback only/],
    [{ ...good, upstream: 'https://relay.example/' }, /\/upstream it must not end with a slash/],
    [{ ...good, listen: {} }, /\/listen\/port is required/],
    [{ ...good, limits: { followers: 0 } }, /\/limits\/followers must be >= 1/],
    [
      { ...good, isuer: 'x', issuer: 'http://id.example' },
      /2 mistakes[^]*\/isuer is not a known setting[^]*\/issuer plain http is for loopback only/,
    ],
    [{ ...good, issuer: 7, upstream: '' }, /2 mistakes/],
    [[], /1 mistake/],
  ]
  for (const [file, message] of mistakes) {
    assert.throws(
      () => parseRelaySettings(file),
      (error) => error instanceof StartError && message.test(error.message),
      String(message),
    )
  }
})
