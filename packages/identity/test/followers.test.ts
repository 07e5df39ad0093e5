import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { after, test } from 'node:test'
import { createVerifier } from '@portcullis/verify'
import { newClientCredential } from '../src/index.ts'
import type { PositionReport } from '../src/domain/followers.ts'
import { followerLiveMs } from '../src/domain/followers.ts'
import type { Notice, Sighting } from '../src/domain/anomalies/sightings.ts'
import { addPositions } from '../src/http/positions.ts'
import type { ReportLimits } from '../src/http/reporting-followers.ts'
import { createReportingFollowers } from '../src/http/reporting-followers.ts'
import { createHttpServer } from '../src/http/server.ts'
import {
  alice,
  basic,
  createLogInMemory,
  machine,
  startRunningIdentity,
} from './running-identity.ts'
import {
  admin,
  assertChallenged,
  assertProblem,
  call,
  positionOf,
  signInHere,
} from './signed-in.ts'

const service = {
  ...newClientCredential(),
  name: 'orders-service',
  audiences: [],
  scopes: ['revocations.read'],
}
const identity = await startRunningIdentity({
  clients: [machine, service],
  accounts: [alice, admin],
})
after(identity.close)

async function machineToken(client: typeof machine | typeof service): Promise<string> {
  const form = { grant_type: 'client_credentials', audience: identity.issuer }
  const answer = await identity.token(form, basic(client.clientId, client.clientSecret))
  assert.equal(answer.status, 200, answer.body)
  return String(answer.members()['access_token'])
}

const token = await machineToken(service)
const administrator = (await signInHere(identity, admin)).access
const positions = 'POST /revocations/positions'
const follower = 'F'.repeat(22)

async function logOut(): Promise<string> {
  const { access } = await signInHere(identity)
  const { epoch, seq } = positionOf(await call(identity, 'POST /logout', { token: access }))
  return `${epoch}:${seq}`
}

function report(position: string, more: object = {}): Promise<unknown> {
  const body = { follower, position, max_staleness_seconds: 30, ...more }
  return call(identity, positions, { token, body }).then((answer) => {
    assert.equal(answer.status, 200, answer.body)
    return answer.members()
  })
}

const bounds = [5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]
const latencies: readonly { readonly up_to_ms?: number }[] = [
  ...bounds.map((bound) => ({ up_to_ms: bound })),
  {},
]

function receipts(position: string, query = ''): ReturnType<typeof call> {
  return call(identity, `GET /revocations/receipts/${position}${query}`, { token: administrator })
}

test('a revocation is everywhere when every follower has reported it', async () => {
  const earlier = await logOut()
  assert.deepEqual(await report(earlier), { spread_ms: 10, every_ms: 10_000, counted: true })
  const position = await logOut()
  const before = await receipts(position)
  assert.equal(before.status, 200, before.body)
  const { everywhere, unknown } = before.members()
  assert.deepEqual([everywhere, unknown], [false, 1])
  identity.clock.advanceMs(12)
  await report(position, { applied_ms_ago: 4 })
  const { committed_at: committedAt, ...members } = (await receipts(position)).members()
  assert.match(String(committedAt), /^2026-11-22T/)
  assert.deepEqual(members, {
    position,
    everywhere: true,
    applied: 1,
    unknown: 0,
    refusing: 0,
    slowest_ms: 8,
    p50_ms: 8,
    p99_ms: 8,
    latencies: latencies.map((one) => ({ ...one, followers: one.up_to_ms === 10 ? 1 : 0 })),
    followers: [{ client: service.clientId, follower, state: 'applied', after_ms: 8 }],
  })
  const listed = await call(identity, 'GET /admin/followers', { token: administrator })
  assert.equal(listed.status, 200, listed.body)
  const [one] = listed.members()['followers'] as readonly Readonly<Record<string, unknown>>[]
  assert.equal(one?.['position'], position)
  assert.equal(one?.['max_staleness_seconds'], 30)
})

test('who waits for receipts is answered as soon as the last has reported, or when the time is over', async () => {
  const position = await logOut()
  const waiting = receipts(position, '?wait=30')
  await report(position)
  const answer = await waiting
  assert.equal(answer.members()['everywhere'], true)
  const next = await logOut()
  const inVain = (await receipts(next, '?wait=1')).members()
  assert.deepEqual([inVain['everywhere'], inVain['unknown']], [false, 1])
  await report(next, { ended: true })
  assert.deepEqual((await receipts(next)).members()['followers'], [])
})

test('positions are reported by those who may follow, and receipts shown to them and administrators', async () => {
  const position = await logOut()
  const body = { follower, position }
  const path = `GET /revocations/receipts/${position}`
  assertChallenged(await call(identity, positions, { body }))
  assertChallenged(await call(identity, path))
  assertChallenged(await call(identity, 'GET /admin/followers'))
  const strangers = [await machineToken(machine), (await signInHere(identity)).access]
  for (const stranger of strangers) {
    const asked = [
      await call(identity, positions, { token: stranger, body }),
      await call(identity, path, { token: stranger }),
      await call(identity, 'GET /admin/followers', { token: stranger }),
    ]
    for (const answer of asked) assertProblem(answer, 403, 'insufficient-scope')
  }
  assert.equal((await call(identity, path, { token })).status, 200)
  assertProblem(await call(identity, 'GET /admin/followers', { token }), 403, 'insufficient-scope')
})

test('an administrator who was signed out gets no receipts', async () => {
  const position = await logOut()
  const { access } = await signInHere(identity, admin)
  await call(identity, 'POST /logout', { token: access })
  assertChallenged(await call(identity, `GET /revocations/receipts/${position}`, { token: access }))
})

test('there are no receipts of what is ahead of the log, of another epoch, or no position', async () => {
  const position = await logOut()
  assertProblem(await receipts(position.replace(/\d+$/, '999')), 404, 'not-found')
  assertProblem(await receipts('nonsense'), 404, 'not-found')
  assertProblem(await receipts(`${'A'.repeat(22)}:1`), 410, 'position-gone')
})

test('a place that the log has not come to is reported in vain', async () => {
  const position = await logOut()
  const [epoch = '', seq] = position.split(':')
  const liar = { follower: 'L'.repeat(22), max_staleness_seconds: 30 }
  const body = { ...liar, position: `${epoch}:${Number(seq) + 1}` }
  const refused = await call(identity, positions, { token, body })
  assertProblem(refused, 400, 'malformed')
  assert.match(String(refused.members()['detail']), /position is one that the log has not come to/)
  const next = await logOut()
  const { followers } = (await receipts(next)).members()
  assert.ok(!JSON.stringify(followers).includes(liar.follower))
})

test('a client that waits too often is told so, and an administrator finds a place', async () => {
  await report(await logOut())
  const position = await logOut()
  const path = `GET /revocations/receipts/${position}?wait=1`
  const asked = Array.from({ length: 12 }, () => call(identity, path, { token }))
  const administrators = await receipts(position)
  assert.equal(administrators.status, 200, administrators.body)
  const answers = await Promise.all(asked)
  const refused = answers.filter(({ status }) => status !== 200)
  assert.equal(refused.length, 4)
  for (const answer of refused) assertProblem(answer, 429, 'throttled')
})

test('verifiers report by themselves, each as its own, and are forgotten when they are closed', async (t) => {
  const issuer = 'http://127.0.0.1:4000'
  const open = await startRunningIdentity({ file: { issuer } })
  t.after(open.close)
  const verifiers = ['orders', 'reviews'].map((audience) =>
    createVerifier({
      issuer,
      audience,
      now: open.clock.now,
      fetch: (url, init) => fetch(url.replace(issuer, `http://127.0.0.1:${open.port}`), init),
    }),
  )
  t.after(() => Promise.all(verifiers.map((verifier) => verifier.close())))
  await Promise.all(verifiers.map((verifier) => verifier.ready()))
  const { access } = await signInHere(open)
  const { epoch, seq } = positionOf(await call(open, 'POST /logout', { token: access }))
  const path = `GET /revocations/receipts/${epoch}:${seq}`
  const answer = await call(open, `${path}?wait=20`)
  assert.deepEqual(
    [answer.members()['everywhere'], answer.members()['applied']],
    [true, 2],
    answer.body,
  )
  await verifiers[0]?.close()
  assert.equal((await call(open, path)).members()['applied'], 1)
})

test('a client with more followers than anybody has is told so, and shuts nobody else out', () => {
  let now = 0
  const reporting = createReportingFollowers(() => now)
  const admitted = Array.from({ length: 10_001 }, (_, index) =>
    reporting.admit({ clientId: 'born and dead', follower: String((now = index)) }),
  )
  assert.equal(admitted.filter(({ kind }) => kind === 'admitted').length, 10_000)
  assert.equal(reporting.count(), 10_000)
  const more = { clientId: 'born and dead', follower: 'more' }
  const from = now
  const news = [0, 0, 9_999, 10_000].map((afterMs) => {
    now = from + afterMs
    const refused = reporting.admit(more)
    return refused.kind === 'client-full' && refused.isNews
  })
  assert.deepEqual(news, [false, false, false, true], 'it is noted once in ten seconds')
  const other = { clientId: 'another', follower: 'one' }
  assert.equal(reporting.admit(other).kind, 'admitted')
  assert.equal(reporting.admit({ clientId: 'born and dead', follower: '7' }).kind, 'admitted')
  now += followerLiveMs
  assert.equal(reporting.admit(other).kind, 'admitted')
  assert.equal(reporting.count(), 1)
  reporting.leave(other)
  assert.equal(reporting.count(), 0)
})

test('a follower that reports without end is told to wait, and so is its client, and nobody else', () => {
  let now = 0
  const reporting = createReportingFollowers(() => now)
  const kindOf = (clientId: string, name: string): string =>
    reporting.admit({ clientId, follower: name }).kind
  const one = Array.from({ length: 12 }, () => kindOf('eager', 'one'))
  assert.deepEqual(one.slice(9), ['admitted', 'too-often', 'too-often'])
  now += 1000
  assert.equal(kindOf('eager', 'one'), 'admitted')
  const fleet = Array.from({ length: 3000 }, (_, number) => kindOf('loud', String(number)))
  assert.equal(fleet.filter((kind) => kind === 'admitted').length, 1000)
  assert.equal(kindOf('quiet', 'one'), 'admitted')
})

const refuse = async (): Promise<never> => assert.fail('nobody else is asked')

interface FakeParts {
  readonly onReport?: (one: PositionReport) => void
  readonly onLeave?: () => void
  readonly notice?: Notice
  readonly limits?: ReportLimits
}

/** Answers the status that each of a client gets for a report. */
function startPositions(
  t: TestContext,
  { onReport, onLeave, notice, limits }: FakeParts,
): (client: string, id: string, more?: object) => Promise<number> {
  const app = createHttpServer(createLogInMemory().log, { issuer: 'https://id.example' })
  t.after(() => app.close())
  addPositions(app, {
    issuer: 'https://id.example',
    callers: {
      requirePerson: refuse,
      requireAdministrator: refuse,
      requireSession: refuse,
      requireHolder: refuse,
      requireReceiptReader: refuse,
      requireReceiver: refuse,
      requireFeedReader: async ({ headers }) => ({
        clientId: String(headers['x-client']),
        requireStill: async () => undefined,
      }),
    },
    followers: {
      report: async (one) => {
        onReport?.(one)
        return 'kept'
      },
      leave: async () => onLeave?.(),
    },
    ...(notice !== undefined && { notice }),
    ...(limits !== undefined && { limits }),
    now: () => 0,
  })
  return async (client, id, more = {}) => {
    const { statusCode } = await app.inject({
      method: 'POST',
      url: '/revocations/positions',
      headers: { 'x-client': client },
      payload: {
        follower: id.padEnd(22, '0'),
        position: `${'E'.repeat(22)}:7`,
        max_staleness_seconds: 30,
        ...more,
      },
    })
    return statusCode
  }
}

test('followers that end without having reported neither fill the store nor invent what is seen', async (t) => {
  let written = 0
  const seen: Sighting[] = []
  const statusOf = startPositions(t, {
    onLeave: () => (written += 1),
    notice: (sighting) => seen.push(sighting),
  })
  const refused = { 'bad-signature': 1000, expired: 1000 }
  const statuses = new Map<number, number>()
  for (let number = 0; number < 2000; number += 1) {
    const status = await statusOf('loud', `l${number}`, { ended: true, refused })
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
  }
  assert.ok((statuses.get(429) ?? 0) >= 1000, JSON.stringify([...statuses]))
  assert.equal(written, statuses.get(200))
  assert.deepEqual(seen, [])
  // One that has reported may say with its farewell what it has refused since.
  assert.equal(await statusOf('quiet', 'q'), 200)
  assert.equal(await statusOf('quiet', 'q', { ended: true, refused: { expired: 3 } }), 200)
  assert.deepEqual(seen, [
    { kind: 'tokens-refused', clientId: 'quiet', reason: 'expired', times: 3 },
  ])
})

test('those for whom there is no room are not passed over: they stand in the receipts together', async (t) => {
  const reports: PositionReport[] = []
  const statusOf = startPositions(t, {
    onReport: (one) => reports.push(one),
    limits: { max: 3, perClientMax: 2 },
  })
  const statuses: number[] = []
  for (const id of ['a', 'b', 'c', 'd']) statuses.push(await statusOf('one', id))
  for (const id of ['e', 'f']) statuses.push(await statusOf('another', id))
  assert.deepEqual(statuses, [200, 200, 429, 429, 200, 503])
  const unheard = reports.filter((one) => one.follower === '-'.repeat(22))
  assert.deepEqual(
    unheard.map(({ clientId, position, maxStalenessMs }) => [
      clientId,
      position.seq,
      maxStalenessMs,
    ]),
    [
      ['one', 0, 30_000],
      ['another', 0, 30_000],
    ],
  )
  assert.equal(reports.length, 5)
})
