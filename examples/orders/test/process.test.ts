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
import { temporaryFolder } from './running-orders.ts'

const entry = fileURLToPath(new URL('../src/main.ts', import.meta.url))

test('the program serves with settings from its environment, proves its client, and stops on SIGTERM', async (t) => {
  const issuer = await createTestIssuer({ algorithm: 'ES256', clients: { orders: 'secret' } })
  t.after(issuer.close)
  const folder = temporaryFolder(t)
  const clientFile = join(folder, 'client.json')
  writeFileSync(clientFile, JSON.stringify({ client_id: 'orders', client_secret: 'secret' }))
  const port = await freePort()
  const child = spawn(process.execPath, [...process.execArgv, entry], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ORDERS_PORT: String(port),
      ORDERS_ISSUER: issuer.issuer,
      ORDERS_DATABASE: join(folder, 'orders.db'),
      ORDERS_CLIENT_FILE: clientFile,
    },
  })
  t.after(() => child.kill('SIGKILL'))
  const errors = text(child.stderr)
  const ended = once(child, 'exit')
  const [output] = await Promise.race([once(child.stdout, 'data'), ended])
  assert.ok(output instanceof Buffer, `it ended before it was ready: ${String(output)}`)
  assert.equal(output.toString(), 'orders is ready\n')
  assert.equal(issuer.requests.token, 1)

  const headers = { authorization: `Bearer ${issuer.mint()}` }
  const answer = await fetch(`http://127.0.0.1:${port}/orders`, { headers })
  assert.deepEqual([answer.status, await answer.json()], [200, { orders: [] }])
  child.kill('SIGTERM')
  const [code] = await ended
  assert.equal(code, 0)
  assert.equal(await errors, '')
})
