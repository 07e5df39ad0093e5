import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { readSettings } from '../src/settings.ts'
import { temporaryFolder } from './running-orders.ts'

function clientFile(t: TestContext, content: string): string {
  const path = join(temporaryFolder(t), 'client.json')
  writeFileSync(path, content)
  return path
}

const credential = { client_id: 'the-id', client_secret: 'the-secret', scope: 'revocations.read' }

test('a complete environment becomes settings, with the audience that this service is', (t) => {
  const settings = readSettings({
    ORDERS_PORT: '4001',
    ORDERS_ISSUER: 'http://localhost:4000',
    ORDERS_DATABASE: 'orders.db',
    ORDERS_CLIENT_FILE: clientFile(t, JSON.stringify(credential)),
  })
  assert.deepEqual(settings, {
    host: '127.0.0.1',
    port: 4001,
    issuer: 'http://localhost:4000',
    audience: 'orders',
    client: { id: 'the-id', secret: 'the-secret' },
    databasePath: 'orders.db',
    maxStalenessSeconds: undefined,
  })
})

test('how stale the feed may be is a number of seconds, or the default of the verifier', (t) => {
  const complete = {
    ORDERS_PORT: '4001',
    ORDERS_ISSUER: 'http://localhost:4000',
    ORDERS_DATABASE: 'orders.db',
    ORDERS_CLIENT_FILE: clientFile(t, JSON.stringify(credential)),
  }
  const chosen = readSettings({ ...complete, ORDERS_MAX_STALENESS_SECONDS: '3' })
  assert.equal(chosen.maxStalenessSeconds, 3)
  for (const wrong of ['2', 'long', '']) {
    assert.throws(
      () => readSettings({ ...complete, ORDERS_MAX_STALENESS_SECONDS: wrong }),
      /ORDERS_MAX_STALENESS_SECONDS is not a number of seconds, 3 or more/,
    )
  }
})

test('everything that is missing is named in one error', () => {
  assert.throws(
    () => readSettings({}),
    (error) => {
      assert.ok(error instanceof Error)
      const names = ['ORDERS_PORT', 'ORDERS_ISSUER', 'ORDERS_DATABASE', 'ORDERS_CLIENT_FILE']
      for (const name of names)
        assert.ok(error.message.includes(`${name} is not set`), error.message)
      return true
    },
  )
})

test('everything that is wrong is named in one error, and no secret with it', (t) => {
  const files = ['', '{"client_id":5}', '[]', '"the-secret"', '{"client_secret":"the-secret"}']
  for (const content of files) {
    const environment = {
      ORDERS_PORT: '65536',
      ORDERS_ISSUER: '',
      ORDERS_DATABASE: 'orders.db',
      ORDERS_CLIENT_FILE: clientFile(t, content),
    }
    assert.throws(
      () => readSettings(environment),
      (error) => {
        assert.ok(error instanceof Error)
        assert.match(error.message, /ORDERS_PORT is not a port number/)
        assert.match(error.message, /ORDERS_ISSUER is not set/)
        assert.match(error.message, /ORDERS_CLIENT_FILE (?:has no|cannot be read)/)
        assert.ok(!error.message.includes('ORDERS_DATABASE'))
        assert.ok(!error.message.includes('the-secret'))
        return true
      },
    )
  }
})

test('a port is a whole number up to 65535', (t) => {
  const path = clientFile(t, JSON.stringify(credential))
  for (const port of ['-1', '65536', '4001.5', 'http', 'NaN']) {
    const environment = {
      ORDERS_PORT: port,
      ORDERS_ISSUER: 'http://localhost:4000',
      ORDERS_DATABASE: 'orders.db',
      ORDERS_CLIENT_FILE: path,
    }
    assert.throws(() => readSettings(environment), /ORDERS_PORT is not a port number$/, port)
  }
})
