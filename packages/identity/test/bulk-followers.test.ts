import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { chainBefore, fetchFeedKeys, follow } from './follower.ts'
import { testOnEngines } from './engines.ts'
import { startRunningIdentity } from './running-identity.ts'
import { admin, call, signInHere } from './signed-in.ts'
import { queryStore } from './store-query.ts'

const issuer = 'http://127.0.0.1:4000'
const accounts = 10_000
const followers = 100

testOnEngines(
  'ten thousand accounts are logged out in one request, and a hundred followers have it at once',
  async (t, engine) => {
    const database = await engine.createStore(t)
    const identity = await startRunningIdentity({ database, file: { issuer }, accounts: [admin] })
    t.after(identity.close)
    const ids = Array.from({ length: accounts }, (_, at) => `${at}`.padStart(22, 'B'))
    await queryStore(
      database,
      `INSERT INTO accounts (id, identifier, password_hash, roles, generation, created_at)
       VALUES ${ids.map((id) => `('${id}', '${id}', 'h', '[]', 0, 0)`).join()}`,
    )
    const { access: token } = await signInHere(identity, admin)
    const [head] = await identity.query('SELECT epoch FROM revocation_head')
    const epoch = String(head?.['epoch'])
    const path = `/revocations/stream?after=${epoch}:0`
    const delivered = Array.from({ length: followers }, () =>
      deliveredAtMs(identity.port, path, `\nid: ${epoch}:${accounts}\n`),
    )
    // Each has its first frame.
    await pause(500)

    const startedAtMs = performance.now()
    const body = { ids, reason: 'a test of the alarm' }
    const answer = await call(identity, 'POST /admin/accounts/logout', { token, body })
    const answeredAtMs = performance.now()
    assert.equal((answer.members()['revocation'] as { seq: number }).seq, accounts, answer.body)
    const delays = (await Promise.all(delivered)).map((atMs) => atMs - answeredAtMs)
    t.diagnostic(
      `answered after ${(answeredAtMs - startedAtMs).toFixed(0)} ms, ` +
        `the last of ${followers} followers had it ${Math.max(...delays).toFixed(0)} ms later`,
    )
    assert.equal(delays.length, followers)

    const keys = await fetchFeedKeys(identity)
    const chain = chainBefore(epoch)
    const follower = await follow(identity.port, { after: `${epoch}:0`, chain, keys, issuer })
    t.after(follower.leave)
    assert.equal((await follower.next()).records.length, accounts)
  },
)

/** When a stream has brought the whole event with this field. A hundred that check it would be measured along. */
async function deliveredAtMs(port: number, path: string, field: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  assert.equal(response.status, 200)
  let rest = ''
  let isInside = false
  for await (const piece of response.body ?? assert.fail()) {
    const text = rest + Buffer.from(piece).toString('latin1')
    isInside ||= text.includes(field)
    if (isInside && text.endsWith('\n\n')) break
    rest = text.slice(-field.length)
  }
  return performance.now()
}
