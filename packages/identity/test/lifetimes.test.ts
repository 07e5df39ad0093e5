import assert from 'node:assert/strict'
import { decodeToken } from './decoded-token.ts'
import { testOnEngines } from './engines.ts'
import { alice, ordersAndReviews, startRunningIdentity } from './running-identity.ts'
import { call, signIn } from './signed-in.ts'

/** What is revoked on a node that does not know of the longer lifetime has to outlive the longer tokens. */
testOnEngines(
  'a lifetime that one node raises holds for what every node takes back, and stays when it is lowered',
  async (t, engine) => {
    const database = await engine.createStore(t)
    const before = await startRunningIdentity({ database })
    t.after(before.close)
    const { orders } = ordersAndReviews.audiences
    const raised = await before.startNode({
      file: {
        audiences: {
          ...ordersAndReviews.audiences,
          orders: { ...orders, accessTokenSeconds: 3600 },
        },
      },
    })
    t.after(raised.close)
    const { access } = await signIn(raised, alice, { audience: 'orders' })
    const { exp, iat } = decodeToken(access).claims
    assert.equal(Number(exp) - Number(iat), 3600)

    assert.equal((await call(before, 'POST /logout', { token: access })).status, 200)
    const [record] = await before.query('SELECT until, at FROM revocations')
    assert.ok(record !== undefined)
    assert.ok(Number(record['until']) >= Number(exp) * 1000)

    const lowered = await raised.restart(undefined, {
      file: { audiences: ordersAndReviews.audiences },
    })
    t.after(lowered.close)
    const [head] = await lowered.query(
      'SELECT access_token_seconds_max AS seconds FROM revocation_head',
    )
    assert.equal(Number(head?.['seconds']), 3600)
  },
)
