import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { createVerifier } from '@portcullis/verify'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'
import { WebSocket } from 'ws'
import type { Order } from '../src/order-book.ts'
import { createOrderExports } from '../src/order-exports.ts'
import { startOrders } from './running-orders.ts'

/** What a promise of a healthy feed allows, with room for a machine that is busy. */
const boundMs = 2000

function tokenOf(issuer: TestIssuer, sub: string, sid: string): string {
  return issuer.mint({ sub, sid, roles: ['customer'], scope: 'orders:read orders:write' })
}

interface Stream {
  /** The next event, as `[name, data]`; undefined at the end. */
  readonly next: () => Promise<readonly [string, Readonly<Record<string, unknown>>] | undefined>
}

async function openStream(t: TestContext, origin: string, token: string): Promise<Stream> {
  const gone = new AbortController()
  t.after(() => gone.abort())
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fetch(`${origin}/orders/stream`, { headers, signal: gone.signal })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('content-type'), 'text/event-stream')
  const chunks = (answer.body ?? assert.fail('no body'))
    .pipeThrough(new TextDecoderStream())
    .getReader()
  let text = ''
  return {
    next: async () => {
      while (!text.includes('\n\n')) {
        const { done, value } = await chunks.read()
        if (done) return undefined
        text += value
      }
      const end = text.indexOf('\n\n')
      const [, name = '', data = ''] = /^event: (.*)\ndata: (.*)$/.exec(text.slice(0, end)) ?? []
      text = text.slice(end + 2)
      return [name, JSON.parse(data) as Readonly<Record<string, unknown>>]
    },
  }
}

async function openSocket(t: TestContext, origin: string, token: string): Promise<WebSocket> {
  const headers = { authorization: `Bearer ${token}` }
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/orders/socket`, { headers })
  await once(socket, 'open')
  t.after(() => socket.terminate())
  return socket
}

test('a stream brings the orders of its reader, and ends with the session', async (t) => {
  const { issuer, origin, order } = await startOrders(t)
  const stream = await openStream(t, origin, tokenOf(issuer, 'alice', 'phone'))
  const other = await openStream(t, origin, tokenOf(issuer, 'alice', 'laptop'))
  for (const { next } of [stream, other]) assert.deepEqual(await next(), ['ready', {}])
  await order(tokenOf(issuer, 'bob', 'elsewhere'), 'chair')
  const made = await order(tokenOf(issuer, 'alice', 'laptop'), 'lamp')
  for (const { next } of [stream, other]) assert.deepEqual(await next(), ['order', { ...made }])

  const revokedAtMs = performance.now()
  issuer.revoke({ sid: 'phone' })
  const [name, problem] = (await stream.next()) ?? []
  assert.ok(performance.now() - revokedAtMs < boundMs)
  assert.equal(name, 'end')
  assert.equal(problem?.['status'], 401)
  assert.equal(await stream.next(), undefined)
  const later = await order(tokenOf(issuer, 'alice', 'laptop'), 'table')
  assert.deepEqual(await other.next(), ['order', { ...later }])
})

test('a WebSocket is closed with its session, and says that it was for the token', async (t) => {
  const { issuer, origin, order } = await startOrders(t)
  const socket = await openSocket(t, origin, tokenOf(issuer, 'alice', 'phone'))
  const message = once(socket, 'message')
  const made = await order(tokenOf(issuer, 'alice', 'laptop'), 'lamp')
  const [data] = (await message) as [Buffer]
  assert.deepEqual(JSON.parse(data.toString()), made)

  const closed = once(socket, 'close')
  const revokedAtMs = performance.now()
  issuer.revoke({ sid: 'phone' })
  const [code, reason] = (await closed) as [number, Buffer]
  assert.ok(performance.now() - revokedAtMs < boundMs)
  assert.deepEqual([code, reason.toString()], [1008, 'invalid-token'])
})

test('nobody opens a stream or a socket without a token for it', async (t) => {
  const { issuer, origin, ask } = await startOrders(t)
  const narrow = issuer.mint({ scope: 'orders:write' })
  assert.equal((await ask({ path: '/orders/stream' })).status, 401)
  assert.equal((await ask({ path: '/orders/stream', token: narrow })).status, 403)
  for (const [token, status] of [
    ['rubbish', 401],
    [narrow, 403],
  ] as const) {
    await assert.rejects(openSocket(t, origin, token), new RegExp(String(status)))
  }
})

test('an export goes on behind its request, and is the business of nobody else', async (t) => {
  const { issuer, ask, order } = await startOrders(t)
  const token = tokenOf(issuer, 'alice', 'phone')
  const made = await order(token, 'lamp')
  const begun = await ask({ method: 'POST', path: '/exports', token })
  assert.equal(begun.status, 202)
  const path = begun.headers.get('location') ?? ''
  let job: unknown
  for (let tries = 0; tries < 100; tries += 1) {
    job = (await ask({ path, token })).body
    if ((job as { status: string }).status !== 'running') break
    await setTimeout(10)
  }
  const { status, lines } = job as { status: string; lines: readonly string[] }
  assert.equal(status, 'done')
  assert.deepEqual(lines, [JSON.stringify(made)])
  assert.equal((await ask({ path, token: tokenOf(issuer, 'bob', 'elsewhere') })).status, 404)
})

test('a job is cancelled within the same bound, and leaves nothing half done', async (t) => {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  const verifier = createVerifier({ issuer: issuer.issuer, audience: 'orders' })
  t.after(async () => {
    await verifier.close()
    await issuer.close()
  })
  const written: Order[] = []
  function* endless(): Generator<Order> {
    for (let id = 0; ; id += 1) {
      const order = { id: String(id), owner: 'alice', item: 'lamp', quantity: 1 }
      written.push({ ...order, status: 'open', createdAt: new Date().toISOString() })
      yield written.at(-1) ?? assert.fail()
    }
  }
  const exports = createOrderExports(verifier, () => setTimeout(1))
  const auth = await verifier.verify(tokenOf(issuer, 'alice', 'phone'))
  const { id } = exports.begin(auth, endless()) ?? assert.fail('no room')
  while (written.length < 5) await setTimeout(5)
  const revokedAtMs = performance.now()
  issuer.revoke({ sid: 'phone' })
  while (exports.find(id, 'alice')?.status === 'running') await setTimeout(1)
  assert.ok(performance.now() - revokedAtMs < boundMs)
  const { status, reason, lines } = exports.find(id, 'alice') ?? assert.fail()
  assert.deepEqual([status, reason, lines], ['cancelled', 'the token was revoked', []])
  const writtenThen = written.length
  await setTimeout(20)
  assert.equal(written.length, writtenThen)
})
