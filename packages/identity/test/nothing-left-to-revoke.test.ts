import assert from 'node:assert/strict'
import { createChosenClock } from './chosen-clock.ts'
import { testOnEngines } from './engines.ts'
import { loginWith, openPartsAt } from './store-parts.ts'

// Found by the simulation: a node that had read a session over a connection to the new primary ended it over one to
// the old, which was cut off. There was no such session, so nothing had to be written, and the end was acknowledged.
// Such a server takes no write, so whoever needs one is not answered there.
testOnEngines(
  'that there is nothing left to revoke is said after a write, which a server that was left behind cannot make',
  async (t, engine) => {
    const clock = createChosenClock()
    const { database, log, parts } = await openPartsAt(await engine.createStore(t), clock.now)
    t.after(database.close)
    const { sessionId } = await loginWith(parts)
    const position = await parts.sessions.end(sessionId)
    for (const nothingLeft of [sessionId, 'unknown'.padEnd(22, 'A')]) {
      clock.advanceMs(60_000)
      assert.deepEqual(await parts.sessions.end(nothingLeft), position)
      assert.equal((await log.head()).at, clock.now())
    }
  },
)
