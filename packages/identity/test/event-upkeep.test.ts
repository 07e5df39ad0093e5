import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { createChosenRepeat } from '../../runtime/test/chosen-repeat.ts'
import { createEventUpkeep } from '../src/store/event-upkeep.ts'
import { startEventUpkeep } from '../src/jobs/event-upkeep.ts'
import type { EventUpkeep } from '../src/domain/event-streams.ts'
import { openDatabase } from '../src/store/open-database.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import { createStream, newReceiver, pollStream, receiverToken } from './receivers.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, createLogInMemory, startRunningIdentity } from './running-identity.ts'
import { call, signInHere } from './signed-in.ts'

const partner = newReceiver('partner')
const retentionMs = 600_000
const bounds = { retentionMs, heldMax: 1000 }

interface World {
  readonly identity: RunningIdentity
  readonly token: string
  readonly upkeep: EventUpkeep
  readonly logOut: () => Promise<void>
  readonly kept: () => Promise<number>
}

async function start(t: TestContext, engine: Engine): Promise<World> {
  const database = await engine.createStore(t)
  const identity = await startRunningIdentity({ database, accounts: [alice], clients: [partner] })
  t.after(identity.close)
  const store = await openDatabase(database, { now: identity.clock.now })
  t.after(store.close)
  return {
    identity,
    token: await receiverToken(identity, partner),
    upkeep: createEventUpkeep(store),
    logOut: async () => {
      const { access } = await signInHere(identity)
      assert.equal((await call(identity, 'POST /logout', { token: access })).status, 200)
    },
    kept: async () => (await identity.query('SELECT id FROM security_events')).length,
  }
}

testOnEngines('an event goes when every stream is past it, and not before', async (t, engine) => {
  const { identity, token, upkeep, logOut, kept } = await start(t, engine)
  const one = await createStream(identity, token)
  const other = await createStream(identity, token)
  // Never hears of the end of a session, so it waits for none.
  await createStream(identity, token, { events_requested: ['account-disabled'] })
  const disabled = await createStream(identity, token)
  const body = { stream_id: disabled, status: 'disabled' }
  await call(identity, 'POST /ssf/status', { token, body })
  await logOut()
  await logOut()
  const [jti = ''] = Object.keys((await pollStream(identity, token, one)).sets)
  await pollStream(identity, token, one, { ack: [jti] })
  assert.equal((await upkeep.remove(bounds)).removed, 0)
  await pollStream(identity, token, other, {
    ack: Object.keys((await pollStream(identity, token, other)).sets),
  })
  assert.equal((await upkeep.remove(bounds)).removed, 1)
  assert.equal(Object.keys((await pollStream(identity, token, one)).sets).length, 1)
  assert.equal(await kept(), 1)
})

testOnEngines(
  'what lies before the first event that a stream wants is not kept for it, nor gone through again',
  async (t, engine) => {
    const { identity, token, upkeep, logOut, kept } = await start(t, engine)
    const wanted = { events_requested: ['account-enabled'] }
    const id = await createStream(identity, token, wanted)
    for (let count = 0; count < 3; count += 1) await logOut()
    await identity.query(
      `UPDATE security_events SET event = 'account-enabled', cause = 'account-unblocked'
       WHERE id = (SELECT max(id) FROM security_events)`,
    )
    await logOut()
    assert.equal((await upkeep.remove(bounds)).removed, 2)
    assert.equal(await kept(), 2)
    const [jti = ''] = Object.keys((await pollStream(identity, token, id)).sets)
    assert.deepEqual(await pollStream(identity, token, id, { ack: [jti] }), { sets: {} })
    assert.equal((await upkeep.remove(bounds)).removed, 2)
  },
)

testOnEngines(
  'what a receiver has not taken in time is dropped, the oldest first, and said',
  async (t, engine) => {
    const { identity, token, upkeep, logOut } = await start(t, engine)
    const id = await createStream(identity, token)
    const body = { stream_id: id, status: 'paused' }
    await call(identity, 'POST /ssf/status', { token, body })
    await logOut()
    identity.clock.advanceMs(retentionMs)
    await logOut()
    await logOut()
    identity.clock.advanceMs(1)
    const { log, logged } = createLogInMemory()
    const { repeat, step } = createChosenRepeat()
    const stop = startEventUpkeep(upkeep, bounds, log, repeat)
    await step()
    await stop()
    const said = JSON.parse(logged().trim()) as { streamId: string; events: number }
    assert.deepEqual([said.streamId, said.events], [id, 1])
    assert.deepEqual((await upkeep.remove({ ...bounds, heldMax: 1 })).dropped, [
      { streamId: id, events: 1 },
    ])
    await call(identity, 'POST /ssf/status', { token, body: { ...body, status: 'enabled' } })
    assert.equal(Object.keys((await pollStream(identity, token, id)).sets).length, 1)
    const [stream] = await identity.query('SELECT dropped FROM event_streams')
    assert.equal(Number(stream?.['dropped']), 2)
  },
)

testOnEngines(
  'what was put aside is kept to be looked at, as long as everything else',
  async (t, engine) => {
    const { identity, token, upkeep, logOut, kept } = await start(t, engine)
    const id = await createStream(identity, token)
    await logOut()
    const [jti = ''] = Object.keys((await pollStream(identity, token, id)).sets)
    await pollStream(identity, token, id, { setErrs: { [jti]: { err: 'invalid_key' } } })
    await upkeep.remove(bounds)
    assert.equal(await kept(), 1)
    identity.clock.advanceMs(retentionMs + 1)
    assert.deepEqual((await upkeep.remove(bounds)).dropped, [])
    assert.equal(await kept(), 0)
    await logOut()
    assert.equal(Object.keys((await pollStream(identity, token, id)).sets).length, 1)
  },
)
