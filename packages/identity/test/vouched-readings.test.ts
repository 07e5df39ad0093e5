import assert from 'node:assert/strict'
import type { Client } from '../src/domain/clients.ts'
import type { IssuedToken } from '../src/domain/issued-tokens.ts'
import { grantClientCredentials } from '../src/domain/client-credentials.ts'
import { introspect } from '../src/domain/introspection.ts'
import { exchangeToken } from '../src/domain/token-exchange.ts'
import { insertClient } from '../src/store/clients.ts'
import { createChosenClock } from './chosen-clock.ts'
import { testOnEngines } from './engines.ts'
import { claimsOf, loginWith, openPartsAt } from './store-parts.ts'

// Found by the simulation: an old primary that was left behind alive, of which a node could still read, vouched in
// this way for sessions that had ended on the new one. It takes no write, so `at` stands still there.
testOnEngines(
  'a token that is minted by reading alone is not dated later than what was last written down for good',
  async (t, engine) => {
    const clock = createChosenClock()
    const { database, log, parts } = await openPartsAt(await engine.createStore(t), clock.now)
    t.after(database.close)
    const find = async (): Promise<Client> => {
      const client = await parts.clients.find('machine')
      return client ?? assert.fail('there is no such client')
    }
    await database.transaction((query) => insertClient(query, machine, 'store'))
    const { claims } = await loginWith(parts)
    const readIssuedToken = async (): Promise<{ claims: typeof claims; kid: string }> => ({
      claims,
      kid: 'a',
    })
    const iats = async (): Promise<readonly number[]> => {
      const client = await find()
      const granted = await grantClientCredentials(parts, { client })
      assert.ok(granted.kind === 'minted')
      const request = { client, subjectToken: 'any', audiences: ['orders'] }
      const exchanged = await exchangeToken({ ...parts, readIssuedToken }, request)
      assert.ok(exchanged.kind === 'exchanged', JSON.stringify(exchanged))
      return [granted, exchanged.token].map(({ accessToken }) => claimsOf(accessToken).iat)
    }

    const { at } = await log.checkpoint()
    const before = Math.floor(at / 1000)
    assert.deepEqual(await iats(), [before, before])
    clock.advanceMs(60_000)
    assert.deepEqual(await iats(), [before, before], 'nothing was written since')
    await log.checkpoint()
    assert.deepEqual(await iats(), [before + 60, before + 60])
  },
)

testOnEngines(
  'what was last written down longer ago than a service goes on without the feed vouches for no active token',
  async (t, engine) => {
    const clock = createChosenClock()
    const { database, log, parts } = await openPartsAt(await engine.createStore(t), clock.now)
    t.after(database.close)
    await database.transaction((query) => insertClient(query, machine, 'store'))
    const { claims, refresh } = await loginWith(parts)
    const readIssuedToken = async (text: string): Promise<IssuedToken | undefined> =>
      text === 'access' ? { claims, kid: 'a' } : undefined
    const kinds = async (): Promise<readonly string[]> => {
      const web = await parts.clients.find(claims.client_id)
      assert.ok(web !== undefined)
      const asked = { ...parts, readIssuedToken }
      const found = ['access', refresh, 'nonsense'].map((text) => introspect(asked, web, text))
      return (await Promise.all(found)).map(({ kind }) => kind)
    }
    const { at } = await log.checkpoint()
    clock.advanceMs(at + 30_000 - clock.now())
    assert.deepEqual(await kinds(), ['access-token', 'refresh-token', 'inactive'])
    clock.advanceMs(1)
    assert.deepEqual(await kinds(), ['unvouched', 'unvouched', 'inactive'])
    await log.checkpoint()
    assert.deepEqual(await kinds(), ['access-token', 'refresh-token', 'inactive'])
  },
)

const machine = {
  id: 'machine'.padEnd(22, 'A'),
  name: 'machine',
  isPublic: false,
  grants: ['client_credentials', 'token_exchange'],
  audiences: ['orders', 'reviews'],
  scopes: ['orders:read'],
} as const
