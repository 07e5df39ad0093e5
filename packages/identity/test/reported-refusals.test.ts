import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createVerifier } from '@portcullis/verify'
import { newClientCredential } from '../src/index.ts'
import { alice, basic, startRunningIdentity } from './running-identity.ts'
import { admin, call, positionOf, signIn, signInHere } from './signed-in.ts'
import { waitUntil } from './wait-until.ts'

const service = {
  ...newClientCredential(),
  name: 'orders-service',
  audiences: [],
  scopes: ['revocations.read'],
}
const identity = await startRunningIdentity({ accounts: [alice, admin], clients: [service] })
after(identity.close)
const administrator = (await signInHere(identity, admin)).access

interface Listed {
  readonly subject: string
  readonly evidence: Readonly<Record<string, unknown>>
}

async function allFound(rule: string): Promise<readonly Listed[]> {
  const listing = `GET /admin/anomalies?rule=${rule}`
  const answer = await call(identity, listing, { token: administrator })
  return answer.members()['anomalies'] as readonly Listed[]
}

async function found(rule: string): Promise<Listed | undefined> {
  return (await allFound(rule))[0]
}

async function logOut(): Promise<string> {
  const { access } = await signInHere(identity)
  const { epoch, seq } = positionOf(await call(identity, 'POST /logout', { token: access }))
  return `${epoch}:${seq}`
}

async function serviceToken(): Promise<string> {
  const form = { grant_type: 'client_credentials', audience: identity.issuer }
  const answer = await identity.token(form, basic(service.clientId, service.clientSecret))
  return String(answer.members()['access_token'])
}

test('what a service refuses is told to identity by the SDK itself', async (t) => {
  const { issuer, port } = identity
  const verifier = createVerifier({
    issuer,
    audience: 'orders',
    client: { id: service.clientId, secret: service.clientSecret },
    now: identity.clock.now,
    fetch: (url, init) => fetch(url.replace(issuer, `http://localhost:${port}`), init),
  })
  t.after(() => verifier.close())
  await verifier.ready()
  const { access } = await signIn(identity, alice, { audience: 'reviews' })
  for (let time = 0; time < 3; time += 1) {
    await assert.rejects(verifier.verify(access), { reason: 'wrong-audience' })
  }
  const isTold = async (): Promise<boolean> => {
    // Each is news that is reported, and in the first the issuer says that it wants to hear more.
    await logOut()
    const [row] = await identity.query(
      "SELECT state FROM anomaly_states WHERE watcher = 'refusals-of-service'",
    )
    return row !== undefined
  }
  await waitUntil(isTold, 'the refusals are known')
  const [row] = await identity.query(
    "SELECT subject, state FROM anomaly_states WHERE watcher = 'refusals-of-service'",
  )
  assert.equal(row?.['subject'], `${service.clientId} wrong-audience`)
  const { slots } = JSON.parse(String(row['state'])) as { readonly slots: [[number, number]] }
  assert.equal(slots[0][1], 3)
  const listed = await call(identity, 'GET /admin/followers', { token: administrator })
  const [one] = listed.members()['followers'] as readonly Readonly<Record<string, string>>[]
  assert.equal(one?.['software'], 'verify')
  assert.match(one['version'] ?? '', /^\d+\.\d+\.\d+/)
  const ageMs = Date.parse(one['reported_at'] ?? '') - Date.parse(one['checkpoint_at'] ?? '')
  assert.ok(0 <= ageMs && ageMs <= 5000, `its checkpoint was ${ageMs} ms old`)
})

/** How many of this reason were judged. */
async function refusalsSeen(reason: string): Promise<number> {
  const [row] = await identity.query(
    `SELECT state FROM anomaly_states WHERE subject = '${service.clientId} ${reason}'`,
  )
  if (row === undefined) return 0
  const { late } = JSON.parse(String(row['state'])) as {
    readonly late: readonly (readonly [number, number])[]
  }
  return late.reduce((sum, [, count]) => sum + count, 0)
}

/** When the last report was judged that told of another time. */
async function clockSeenAt(): Promise<number | undefined> {
  const [row] = await identity.query(
    "SELECT state FROM anomaly_states WHERE watcher = 'clock-of-follower'",
  )
  if (row === undefined) return undefined
  const { since, last } = JSON.parse(String(row['state'])) as Record<string, number>
  return last === 0 ? since : last
}

test('many refusals at a service are told, and a clock that stays wrong', async () => {
  const token = await serviceToken()
  const follower = 'F'.repeat(22)
  const position = await logOut()
  const report = async (more: object): Promise<void> => {
    const body = { follower, position, max_staleness_seconds: 30, ...more }
    const answer = await call(identity, 'POST /revocations/positions', { token, body })
    assert.equal(answer.status, 200, answer.body)
    assert.equal(answer.members()['counted'], true)
  }
  // The last two are of a later release, whose words are not known here.
  const refused = { 'bad-signature': 150, expired: 400, 'from-the-future': 50, 'made-up': 60 }
  for (const reports of [1, 2, 3]) {
    // What one report claims raises nothing: it has to go on.
    assert.equal(await found('refused-tokens'), undefined)
    await report({ refused })
    await waitUntil(async () => (await refusalsSeen('bad-signature')) === reports * 150, 'judged')
    identity.clock.advanceMs(100_000)
  }
  const both = await allFound('refused-tokens')
  assert.equal(both.length, 2)
  for (const { subject } of both) assert.equal(subject, service.clientId)
  const [forged, unknown] = ['bad-signature', 'other'].map((reason) =>
    both.find(({ evidence }) => evidence['reason'] === reason),
  )
  const counts = { 'bad-signature': 450, usual: 0 }
  assert.deepEqual(forged?.evidence, { reason: 'bad-signature', counts })
  assert.deepEqual(unknown?.evidence['counts'], { other: 330, usual: 0 })

  // Once may be a report that took long, and four seconds are nothing.
  const reportApart = async (seconds: number): Promise<void> => {
    const at = identity.clock.now()
    await report({ clock: at + seconds * 1000 })
    await waitUntil(async () => (await clockSeenAt()) === at, 'it was judged')
    identity.clock.advanceMs(20_000)
  }
  for (const seconds of [8, 4, 8, 8]) await reportApart(seconds)
  assert.equal(await found('clock-apart'), undefined)
  await reportApart(8)
  const wrong = await found('clock-apart')
  assert.equal(wrong?.subject, service.clientId)
  assert.deepEqual(wrong.evidence['counts'], { apart_ms: 8000, ahead: 1 })
})

test('a report of another form is refused', async () => {
  const token = await serviceToken()
  const position = await logOut()
  const wrong: readonly object[] = [
    { refused: { 'bad-signature': -1 } },
    { refused: { 'a b': 1 } },
    { refused: { [`a${'b'.repeat(40)}`]: 1 } },
    { clock: 'now' },
    { refused: Object.fromEntries(Array.from({ length: 41 }, (_, at) => [`r${at}`, 1])) },
  ]
  for (const more of wrong) {
    const body = { follower: 'F'.repeat(22), position, ...more }
    const answer = await call(identity, 'POST /revocations/positions', { token, body })
    assert.equal(answer.status, 400, JSON.stringify(more))
  }
})
