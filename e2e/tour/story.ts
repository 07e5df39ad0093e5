import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseCompactJws } from '@portcullis/protocol/jws'
import type { RunningSystem } from '../running-system.ts'
import { bearer, postJson, runPortcullis, startSystem } from '../running-system.ts'
import type { SilentProxy } from '../silent-proxy.ts'
import { startSilentProxy } from '../silent-proxy.ts'
import type { Door } from './doors.ts'
import { assertAccepted, refusalAt, untilRefused } from './doors.ts'
import type { Person } from './person.ts'
import { signIn } from './person.ts'
import { startSteadyLoad } from './steady-load.ts'

/** The system that the tour walks through. Its services reach identity through the proxy only. */
export interface Stage {
  readonly system: RunningSystem
  readonly proxy: SilentProxy
  /** Where identity listens: the way that people have, past the proxy. */
  readonly reach: string
  readonly doors: readonly [gateway: Door, orders: Door]
}

/** One step: does it, asserts that it held, and says what was seen. */
export interface Step {
  readonly title: string
  readonly walk: (stage: Stage) => Promise<string>
}

const maxStalenessSeconds = 3
const refreshGraceSeconds = 1
const jwksMaxAgeSeconds = 2

/** Starts the system in a folder, with options of `portcullis dev`. */
export type Start = (folder: string, options: readonly string[]) => Promise<RunningSystem>

export async function openStage(folder: string, start: Start = startSystem): Promise<Stage> {
  const identityPort = (): number => {
    const file = readFileSync(join(folder, '.portcullis', 'identity.json'), 'utf8')
    return (JSON.parse(file) as { listen: { port: number } }).listen.port
  }
  const proxy = await startSilentProxy(identityPort)
  const started = start(folder, [
    `--issuer=http://localhost:${proxy.port}`,
    `--max-staleness-seconds=${maxStalenessSeconds}`,
    `--refresh-grace-seconds=${refreshGraceSeconds}`,
    `--jwks-max-age-seconds=${jwksMaxAgeSeconds}`,
  ])
  const system = await started.catch(async (error: unknown) => {
    await proxy.close()
    throw error
  })
  const { gateway, orders } = system.endpoints
  return {
    system,
    proxy,
    reach: `http://localhost:${identityPort()}`,
    doors: [
      { name: 'the gateway', url: `${gateway}/orders` },
      { name: 'orders', url: `${orders}/orders` },
    ],
  }
}

export async function closeStage({ system, proxy }: Stage): Promise<void> {
  await system.stop()
  await proxy.close()
}

export const steps: readonly Step[] = [
  { title: 'login', walk: walkLogin },
  { title: 'an order through the gateway', walk: walkOrder },
  { title: 'a role that is missing', walk: walkRole },
  { title: 'two tabs refresh at once', walk: walkRace },
  { title: 'a stolen refresh token', walk: walkTheft },
  { title: 'key rotation under traffic', walk: walkRotation },
  { title: 'logout', walk: walkLogout },
  { title: 'a partition of the feed', walk: walkPartition },
]

async function walkLogin(stage: Stage): Promise<string> {
  const startedAt = performance.now()
  const alice = await signIn(stage.system, 'alice', stage.reach)
  const signedIn = since(startedAt)
  await assertAccepted(stage.doors, await alice.token())
  return `alice has a token after ${signedIn}; the gateway and orders take it`
}

async function walkOrder(stage: Stage): Promise<string> {
  const alice = await signIn(stage.system, 'alice', stage.reach)
  const { gateway } = stage.system.endpoints
  const startedAt = performance.now()
  const response = await postJson(
    `${gateway}/orders`,
    { item: 'lamp', quantity: 1 },
    bearer(await alice.token()),
  )
  assert.equal(response.status, 201)
  const ordered = since(startedAt)
  const query = 'mutation { addReview(item: "lamp", stars: 5, text: "bright") { stars author } }'
  const reviewed = await postJson(
    `${gateway}/reviews/graphql`,
    { query },
    bearer(await alice.token()),
  )
  const answer = (await reviewed.json()) as { data?: { addReview?: { stars?: number } } }
  assert.equal(answer.data?.addReview?.stars, 5, JSON.stringify(answer))
  return `201 after ${ordered}; and a review of it by GraphQL`
}

async function walkRole(stage: Stage): Promise<string> {
  const alice = await signIn(stage.system, 'alice', stage.reach)
  const headers = bearer(await alice.token())
  const { gateway, orders } = stage.system.endpoints
  for (const door of [gateway, orders]) {
    const id = '00000000-0000-4000-8000-000000000000'
    const response = await fetch(`${door}/orders/${id}`, { method: 'DELETE', headers })
    assert.equal(response.status, 403, door)
  }
  return 'alice may not cancel an order: 403 at the gateway, 403 at orders'
}

async function walkRace(stage: Stage): Promise<string> {
  const { refresh } = await signInByHand(stage)
  const startedAt = performance.now()
  const answers = await Promise.all([refreshByHand(stage, refresh), refreshByHand(stage, refresh)])
  const successors = new Set(answers.map(({ members }) => members['refresh_token']))
  for (const { status } of answers) assert.equal(status, 200)
  assert.equal(successors.size, 1, 'the family forked')
  assert.ok(!successors.has(refresh), 'nothing was rotated')
  return `both get 200 and the same successor, after ${since(startedAt)}`
}

async function walkTheft(stage: Stage): Promise<string> {
  const stolen = await signInByHand(stage)
  const owner = await refreshByHand(stage, stolen.refresh)
  assert.equal(owner.status, 200)
  const ownersToken = String(owner.members['access_token'])
  await assertAccepted(stage.doors, ownersToken)
  await pause(refreshGraceSeconds * 1000 + 100)
  const startedAt = performance.now()
  const refused = stage.doors.map((door) => untilRefused(door, ownersToken))
  const thief = await refreshByHand(stage, stolen.refresh)
  assert.equal(thief.status, 400)
  assert.equal(thief.members['error'], 'invalid_grant')
  const moments = await Promise.all(refused)
  const after = await refreshByHand(stage, String(owner.members['refresh_token']))
  assert.equal(after.status, 400, 'the session goes on after a theft')
  return `the thief gets invalid_grant, and the session is over: ${doorTimes(stage, moments, startedAt)}`
}

const requestsPerSecond = 200
const rotationPatienceMs = 15_000

async function walkRotation(stage: Stage): Promise<string> {
  const alice = await signIn(stage.system, 'alice', stage.reach)
  const before = await alice.token()
  const load = startSteadyLoad(stage.doors, requestsPerSecond, alice)
  const startedAt = performance.now()
  let waited = 0
  for (;;) {
    const run = runPortcullis(['keys', 'rotate'], { folder: stage.system.folder })
    const code = await run.ended
    if (code === 0) break
    // A key that was published a moment ago may not sign yet.
    assert.match(run.errors(), /may not sign before/, run.errors())
    waited = performance.now() - startedAt
    assert.ok(waited < rotationPatienceMs, `no rotation after ${waited} ms: ${run.errors()}`)
    await pause(500)
  }
  await alice.client.refresh()
  const after = await alice.token()
  assert.notEqual(kidOf(after), kidOf(before), 'the same key still signs')
  await assertAccepted(stage.doors, after)
  await assertAccepted(stage.doors, before)
  await pause(500)
  const { requests, stale, failures } = await load.stop()
  assert.deepEqual(failures, [], `${failures.length} of ${requests} requests failed`)
  assert.ok(stale < requests / 2, `${stale} of ${requests} requests wanted a refresh`)
  const refreshed = stale === 0 ? '' : `, ${stale} after a refresh`
  return `another key signs, tokens of both are good, ${requests} requests at ${requestsPerSecond}/s, none failed${refreshed}`
}

async function walkLogout(stage: Stage): Promise<string> {
  const alice = await signIn(stage.system, 'alice', stage.reach)
  const token = await alice.token()
  await assertAccepted(stage.doors, token)
  const refused = stage.doors.map((door) => untilRefused(door, token))
  const startedAt = performance.now()
  await alice.client.logout()
  const acknowledged = since(startedAt)
  const moments = await Promise.all(refused)
  return `acknowledged after ${acknowledged}; ${doorTimes(stage, moments, startedAt)}`
}

/** For the last answer that was still under way, and for the poll's own time. */
const measuringMs = 250

async function walkPartition(stage: Stage): Promise<string> {
  const { doors, proxy } = stage
  const [leaver, stayer] = await Promise.all([
    signIn(stage.system, 'alice', stage.reach),
    signIn(stage.system, 'alice', stage.reach),
  ])
  const [left, kept] = await Promise.all([leaver.token(), stayer.token()])
  await assertAccepted(doors, left)
  await assertAccepted(doors, kept)

  proxy.fallSilent()
  const refused = doors.map((door) => untilRefused(door, left))
  await leaver.client.logout()
  const revokedAt = performance.now()
  const moments = await Promise.all(refused)
  const boundMs = maxStalenessSeconds * 1000 + measuringMs
  for (const moment of moments) {
    assert.ok(moment - revokedAt <= boundMs, `refused ${ms(moment - revokedAt)} after the logout`)
  }
  for (const door of doors) assert.equal(await refusalAt(door, kept), 'stale')
  await assertRefreshHelps(stage, stayer)

  proxy.heal()
  const healedAt = performance.now()
  await untilAccepted(doors, kept)
  const healed = since(healedAt)
  for (const door of doors) await refusalAt(door, left)
  return (
    `revoked while nothing reaches the services: ${doorTimes(stage, moments, revokedAt)}, ` +
    `bound ${maxStalenessSeconds * 1000} ms; a refreshed token works meanwhile; healed after ${healed}`
  )
}

async function assertRefreshHelps({ doors }: Stage, person: Person): Promise<void> {
  await person.client.refresh()
  await assertAccepted(doors, await person.token())
}

async function untilAccepted(doors: readonly Door[], token: string): Promise<void> {
  const deadline = performance.now() + 10_000
  for (;;) {
    try {
      return await assertAccepted(doors, token)
    } catch (error) {
      if (performance.now() > deadline) throw error
      await pause(20)
    }
  }
}

interface Pair {
  readonly refresh: string
}

/** Without the library, which would never race with itself or use a token twice. */
async function signInByHand({ system, reach }: Stage): Promise<Pair> {
  const account = system.credentials.accounts.find(({ identifier }) => identifier === 'alice')
  const { identifier, password } = account ?? {}
  const response = await postJson(`${reach}/login`, { identifier, password })
  const members = (await response.json()) as Record<string, unknown>
  assert.equal(response.status, 200, JSON.stringify(members['code']))
  return { refresh: String(members['refresh_token']) }
}

async function refreshByHand(
  { reach }: Stage,
  refreshToken: string,
): Promise<{ readonly status: number; readonly members: Record<string, unknown> }> {
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken })
  const response = await fetch(`${reach}/token`, { method: 'POST', body })
  return { status: response.status, members: (await response.json()) as Record<string, unknown> }
}

function kidOf(token: string): unknown {
  const jws = parseCompactJws(token)
  return jws.kind === 'jws' ? jws.header['kid'] : undefined
}

/** When each door refused, counted from a moment. */
function doorTimes({ doors }: Stage, moments: readonly number[], from: number): string {
  return doors
    .map((door, at) => `${door.name} refuses after ${ms((moments[at] ?? 0) - from)}`)
    .join(', ')
}

function since(startedAt: number): string {
  return ms(performance.now() - startedAt)
}

function ms(duration: number): string {
  return `${duration.toFixed(duration < 100 ? 1 : 0)} ms`
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
