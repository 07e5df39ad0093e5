import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { Operations, OperationsOptions } from '../src/index.ts'
import { createMetrics, startOperations, StartError } from '../src/index.ts'

interface Running {
  readonly operations: Operations
  readonly ask: (path: string, method?: string) => Promise<Response>
}

async function start(
  t: TestContext,
  notReady: () => Promise<readonly string[]>,
  more: Pick<OperationsOptions, 'warnings'> = {},
): Promise<Running> {
  const operations = await startOperations({
    host: '127.0.0.1',
    port: 0,
    notReady,
    metrics: createMetrics(),
    ...more,
  })
  t.after(operations.close)
  return {
    operations,
    ask: (path, method = 'GET') => fetch(`http://127.0.0.1:${operations.port}${path}`, { method }),
  }
}

test('live answers 200 while the process runs, whatever is not ready', async (t) => {
  const { ask } = await start(t, async () => ['database'])
  const answer = await ask('/health/live')
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('content-type'), 'application/json')
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.deepEqual(await answer.json(), { status: 'ok' })
})

test('ready answers 503 with what is missing, and 200 as soon as nothing is', async (t) => {
  let missing = ['keys', 'database']
  const { ask } = await start(t, async () => missing)
  const notReady = await ask('/health/ready')
  assert.equal(notReady.status, 503)
  assert.deepEqual(await notReady.json(), { status: 'not-ready', missing })
  missing = []
  const ready = await ask('/health/ready?probe=1')
  assert.equal(ready.status, 200)
  assert.deepEqual(await ready.json(), { status: 'ok' })
})

test('what somebody should see to is told, and makes nothing unready', async (t) => {
  let missing = ['database']
  const warnings = ['clock']
  const { ask } = await start(t, async () => missing, { warnings: () => warnings })
  const notReady = await ask('/health/ready')
  assert.equal(notReady.status, 503)
  assert.deepEqual(await notReady.json(), { status: 'not-ready', missing, warnings })
  missing = []
  const ready = await ask('/health/ready')
  assert.equal(ready.status, 200)
  assert.deepEqual(await ready.json(), { status: 'ok', warnings })
  assert.deepEqual(await (await ask('/health/live')).json(), { status: 'ok' })
})

test('a check that fails is a 500 that tells nothing of it', async (t) => {
  const { ask } = await start(t, async () => Promise.reject(new Error('the secret reason')))
  const answer = await ask('/health/ready')
  assert.equal(answer.status, 500)
  assert.deepEqual(await answer.json(), { status: 'error' })
  assert.equal((await ask('/health/live')).status, 200)
})

test('HEAD is answered without a body', async (t) => {
  const { ask } = await start(t, async () => [])
  const answer = await ask('/health/ready', 'HEAD')
  assert.equal(answer.status, 200)
  assert.equal(await answer.text(), '')
})

test('another path is a 404 that names those there are, another method a 405 with Allow', async (t) => {
  const { ask } = await start(t, async () => [])
  for (const path of ['/', '/health', '/health/live/', '/metrics/all', '//health/live']) {
    const answer = await ask(path)
    assert.equal(answer.status, 404, path)
    const known = ['/health/live', '/health/ready', '/metrics']
    assert.deepEqual(await answer.json(), { status: 'not-found', known })
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const answer = await ask('/health/live', method)
    assert.equal(answer.status, 405, method)
    assert.equal(answer.headers.get('allow'), 'GET, HEAD')
  }
})

test('closing ends connections too on which an answer is still awaited, and twice is allowed', async (t) => {
  const asked = Promise.withResolvers<undefined>()
  const { operations, ask } = await start(t, () => {
    asked.resolve(undefined)
    return new Promise(() => undefined)
  })
  const cut = assert.rejects(ask('/health/ready'))
  await asked.promise
  await Promise.all([operations.close(), operations.close()])
  await cut
  await assert.rejects(ask('/health/live'))
})

test('a port that is in use is a StartError', async (t) => {
  const { operations } = await start(t, async () => [])
  const second = startOperations({
    host: '127.0.0.1',
    port: operations.port,
    notReady: async () => [],
    metrics: createMetrics(),
  })
  await assert.rejects(
    second,
    (error) => error instanceof StartError && error.message.includes('the operations listener'),
  )
})
