import assert from 'node:assert/strict'
import { testOnEngines } from './engines.ts'
import { alice, basic, formToken, jsonLogin, startRunningIdentity } from './running-identity.ts'
import { admin, assertProblem, call, signInHere } from './signed-in.ts'

testOnEngines(
  'U+0000 is refused wherever it comes in, and never reaches the store',
  async (t, engine) => {
    const identity = await startRunningIdentity({
      database: await engine.createStore(t),
      accounts: [alice, admin],
    })
    t.after(identity.close)
    const { access: token, accountId } = await signInHere(identity, admin)

    const { identifier, password } = alice
    const hostile = { identifier, password, client_id: 'web\0' }
    assertProblem(await identity.ask(jsonLogin(JSON.stringify(hostile))), 400, 'malformed')
    const named = JSON.stringify({ identifier, password, audience: ['orders', 'a\0'] })
    assertProblem(await identity.ask(jsonLogin(named)), 400, 'malformed')

    const grant = 'grant_type=client_credentials'
    const form = await identity.ask(formToken(`${grant}&client_id=a%00&client_secret=b`))
    assert.deepEqual([form.status, form.members()['error']], [400, 'invalid_request'], form.body)
    const header = await identity.ask(formToken(grant, basic('a\0', 'b')))
    assert.deepEqual(
      [header.status, header.members()['error']],
      [401, 'invalid_client'],
      header.body,
    )

    for (const route of ['DELETE /sessions/%00', 'POST /admin/accounts/a%00/block']) {
      assertProblem(await call(identity, route, { token }), 404, 'not-found')
    }
    const route = `POST /admin/accounts/${accountId}/unblock`
    const answer = await call(identity, route, { token, body: { reason: 'a\0b' } })
    assertProblem(answer, 400, 'malformed')
    assert.ok(!identity.logged().includes('unexpected error'))
  },
)
