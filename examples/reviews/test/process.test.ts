import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createTestIssuer } from '@portcullis/verify/testing'
import { freePort } from '../../../tools/free-port.ts'
import { graphqlPath, graphqlRequest, temporaryFolder } from './running-reviews.ts'

const entry = fileURLToPath(new URL('../src/main.ts', import.meta.url))

test('the program serves with settings from its environment, proves its client, and stops on SIGTERM', async (t) => {
  const issuer = await createTestIssuer({ algorithm: 'ES256', clients: { reviews: 'secret' } })
  t.after(issuer.close)
  const folder = temporaryFolder(t)
  const clientFile = join(folder, 'client.json')
  writeFileSync(clientFile, JSON.stringify({ client_id: 'reviews', client_secret: 'secret' }))
  const port = await freePort()
  const child = spawn(process.execPath, [...process.execArgv, entry], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      REVIEWS_PORT: String(port),
      REVIEWS_ISSUER: issuer.issuer,
      REVIEWS_DATABASE: join(folder, 'reviews.db'),
      REVIEWS_CLIENT_FILE: clientFile,
    },
  })
  t.after(() => child.kill('SIGKILL'))
  const errors = text(child.stderr)
  const ended = once(child, 'exit')
  const [output] = await Promise.race([once(child.stdout, 'data'), ended])
  assert.ok(output instanceof Buffer, `it ended before it was ready: ${String(output)}`)
  assert.equal(output.toString(), 'reviews is ready\n')
  assert.equal(issuer.requests.token, 1)

  const url = `http://127.0.0.1:${port}${graphqlPath}`
  const token = issuer.mint({ aud: 'reviews', scope: 'reviews:write' })
  const answer = await fetch(url, graphqlRequest('{ myReviews { id } }', token))
  assert.deepEqual([answer.status, await answer.json()], [200, { data: { myReviews: [] } }])
  const health = await fetch(`http://127.0.0.1:${port}/health`)
  assert.deepEqual([health.status, await health.json()], [200, { status: 'ok' }])

  // A subscriber that is still there does not keep the program from ending.
  const accept = { headers: { accept: 'text/event-stream' } }
  const subscription = graphqlRequest('subscription { reviewAdded { id } }', token, accept)
  const stream = await fetch(url, subscription)
  child.kill('SIGTERM')
  assert.match(await stream.text(), /"SERVICE_STOPS"[^]+event: complete/)
  const [code] = await ended
  assert.equal(code, 0)
  assert.equal(await errors, '')
})
