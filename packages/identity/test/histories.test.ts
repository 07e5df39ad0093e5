import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import type { AccessTokenClaims } from '@portcullis/protocol'
import type { RevocationRecord } from '@portcullis/protocol/revocations'
import { fingerprintOf, firstChain, nextChain } from '@portcullis/protocol/revocations'
import { findCaller } from '../src/domain/callers.ts'
import { login } from '../src/domain/login.ts'
import { changePassword } from '../src/domain/password-change.ts'
import { refresh } from '../src/domain/refresh.ts'
import { isLive } from '../src/domain/sessions.ts'
import { createSessionSweep } from '../src/store/session-sweep.ts'
import { createChosenClock } from './chosen-clock.ts'
import { testOnEngines } from './engines.ts'
import { firstBase } from './first-base.ts'
import { takeInForce } from './opened-store.ts'
import type { AccountModel, SessionModel } from './session-model.ts'
import { isLiveIn, present } from './session-model.ts'
import type { StoreParts } from './store-parts.ts'
import { claimsOf, commandLine, openPartsAt } from './store-parts.ts'

/** The engines differ in how a step is made atomic, and not in what the steps are. */
const historiesOn = { SQLite: 200, PostgreSQL: 40 }
const stepsEach = 8
const people = ['alice', 'bob']
const seed = Number(process.env['PORTCULLIS_TEST_SEED'] ?? randomInt(2 ** 31))

/** mulberry32: small, and the same everywhere. */
function createRandom(start: number): (below: number) => number {
  let state = start
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

interface World {
  store: StoreParts
  readonly url: string
  readonly now: () => number
  readonly advanceMs: (ms: number) => void
  readonly random: (below: number) => number
  readonly accounts: Map<string, AccountModel>
  sessions: SessionModel[]
  /** Every token that was minted and may still be alive. */
  tokens: { readonly claims: AccessTokenClaims; readonly session: SessionModel }[]
  passwordsMade: number
  /** What a follower has seen so far. */
  readonly records: RevocationRecord[]
}

type Step = (
  world: World,
  account: AccountModel,
  session: SessionModel | undefined,
) => Promise<void>

const steps: readonly (readonly [weight: number, name: string, step: Step])[] = [
  [5, 'login', stepLogin],
  [8, 'refresh', stepRefresh],
  [1, 'foreign refresh', stepForeignRefresh],
  [2, 'end', stepEnd],
  [1, 'everywhere', stepEverywhere],
  [2, 'password', stepPassword],
  [1, 'block', stepBlock],
  [2, 'unblock', stepUnblock],
  [5, 'clock', stepClock],
  [1, 'restart', stepRestart],
  [2, 'sweep', stepSweep],
]

async function stepSweep({ store }: World): Promise<void> {
  await createSessionSweep(store.database).sweep('', 24 * 3600 * secondMs)
}

async function stepLogin(world: World, account: AccountModel): Promise<void> {
  const { random, store } = world
  const isWrong = random(8) === 0
  const password = isWrong ? 'wrong' : account.password
  const outcome = await login(store.parts, { identifier: account.identifier, password })
  if (isWrong || account.isBlocked) {
    const why = isWrong ? 'bad-credentials' : 'account-blocked'
    assert.deepEqual(outcome, { kind: 'refused', why })
    return
  }
  assert.ok(outcome.kind === 'signed-in', JSON.stringify(outcome))
  const session: SessionModel = {
    id: outcome.session.id,
    account,
    generation: account.generation,
    refreshTokens: [outcome.refresh?.token ?? ''],
    rotatedAt: undefined,
    idleSince: world.now(),
    startedAt: world.now(),
    isEnded: false,
  }
  world.sessions.push(session)
  world.tokens.push({ claims: claimsOf(outcome.token.accessToken), session })
}

async function stepRefresh(
  { store, random, now, tokens }: World,
  _account: AccountModel,
  session: SessionModel | undefined,
): Promise<void> {
  if (session === undefined) return
  const counter = session.refreshTokens.length - 1
  const presented = Math.max(0, counter - ([0, 0, 0, 1, 1, 2][random(6)] ?? 0))
  const refreshToken = session.refreshTokens[presented] ?? ''
  const expected = present(session, presented, now())
  const outcome = await refresh(store.parts, { refreshToken })
  if (expected === 'refused') {
    assert.equal(outcome.kind, 'refused')
    return
  }
  assert.ok(outcome.kind === 'refreshed')
  const { token } = outcome.refresh
  if (expected === 'rotated') session.refreshTokens.push(token)
  assert.equal(token, session.refreshTokens.at(-1), 'a second successor')
  tokens.push({ claims: claimsOf(outcome.token.accessToken), session })
}

async function stepForeignRefresh(
  { store }: World,
  _account: AccountModel,
  session: SessionModel | undefined,
): Promise<void> {
  if (session === undefined) return
  const genuine = session.refreshTokens.at(-1) ?? ''
  const forged = genuine.replace(/\.[^.]+$/, `.${'A'.repeat(43)}`)
  for (const request of [{ refreshToken: forged }, { refreshToken: genuine, clientId: 'till' }]) {
    assert.equal((await refresh(store.parts, request)).kind, 'refused')
  }
}

async function stepEnd(
  { store }: World,
  _account: AccountModel,
  session: SessionModel | undefined,
): Promise<void> {
  if (session === undefined) return
  await store.parts.sessions.end(session.id)
  session.isEnded = true
}

async function stepEverywhere(
  { store, now }: World,
  account: AccountModel,
  session: SessionModel | undefined,
): Promise<void> {
  if (session === undefined) return
  const holder = { accountId: account.id, sessionId: session.id }
  const { kind } = await store.parts.accounts.endAllSessions(holder)
  const mayEnd = isLiveIn(session, now())
  assert.equal(kind, mayEnd ? 'ended' : 'superseded')
  if (mayEnd) account.generation += 1
}

async function stepPassword(
  world: World,
  account: AccountModel,
  session: SessionModel | undefined,
): Promise<void> {
  if (session === undefined || session.account !== account) return
  const { store, now, random } = world
  const isWrong = random(6) === 0
  world.passwordsMade += 1
  const passwords = {
    current: isWrong ? 'wrong' : account.password,
    new: `password number ${world.passwordsMade}`,
  }
  const mayChange = !isWrong && isLiveIn(session, now())
  const known = await store.parts.sessions.find(session.id)
  // What was removed was over: no token of it gets so far.
  if (known === undefined) return
  const outcome = await changePassword(store.parts, known, passwords)
  assert.equal(outcome.kind, mayChange ? 'changed' : 'refused')
  if (outcome.kind !== 'changed') return
  account.password = passwords.new
  account.generation += 1
  session.generation = account.generation
  assert.ok(outcome.tokens !== undefined)
  assert.equal(
    outcome.tokens.refresh?.token,
    session.refreshTokens.at(-1),
    'the family went on unasked',
  )
  world.tokens.push({ claims: claimsOf(outcome.tokens.token.accessToken), session })
}

async function stepBlock({ store }: World, account: AccountModel): Promise<void> {
  const decision = { accountId: account.id, actor: commandLine, reason: 'a reason' }
  await store.parts.accounts.block(decision)
  if (!account.isBlocked) account.generation += 1
  account.isBlocked = true
}

async function stepUnblock({ store }: World, account: AccountModel): Promise<void> {
  const decision = { accountId: account.id, actor: commandLine, reason: 'a reason' }
  assert.deepEqual(await store.parts.accounts.unblock(decision), { kind: 'unblocked' })
  account.isBlocked = false
}

const secondMs = 1000
const clockStepsMs = [1, 29_999, 30_000, 31_000, 300_000, 901_000, -1, -5_000, -1_200_000]
const rareClockStepsMs = [14 * 24 * 3600 * secondMs, 91 * 24 * 3600 * secondMs]

async function stepClock({ store, random, advanceMs }: World): Promise<void> {
  // The beat of the feed, of which there is one a second.
  await store.log.checkpoint()
  const from = random(12) === 0 ? rareClockStepsMs : clockStepsMs
  advanceMs(from[random(from.length)] ?? 0)
}

async function stepRestart(world: World): Promise<void> {
  const { at } = await world.store.log.head()
  await world.store.database.close()
  // A start by a clock far behind the log's begins a new epoch, which is another story.
  world.advanceMs(Math.max(0, at - world.now()))
  world.store = await openPartsAt(world.url, world.now, people)
  assert.deepEqual(world.store.epoch, { kind: 'continued' })
}

function isRefusedBy(records: readonly RevocationRecord[], claims: AccessTokenClaims): boolean {
  const { iss, sid = '', sub, gen = -1, client_id: clientId, cgen = -1 } = claims
  const keys = { session: sid, account: sub, client: clientId, token: claims.jti, key: '', all: '' }
  const of = (kind: keyof typeof keys): bigint => fingerprintOf(iss, kind, keys[kind])
  const prints = new Map([...new Set(records.map(({ kind }) => kind))].map((one) => [one, of(one)]))
  return records.some(({ kind, fingerprint, floor }) => {
    if (fingerprint !== prints.get(kind)) return false
    if (kind === 'account') return gen < floor
    if (kind === 'client') return cgen < floor
    return kind === 'all' ? Math.min(gen, cgen) < floor : true
  })
}

/** The store's sessions, and the verdicts of the log and of identity's own API, are those of the model. */
async function assertAgrees(world: World): Promise<number> {
  const { store, now, accounts, sessions } = world
  // What has outlived its tokens is forgotten by a follower.
  world.records.push(...(await store.log.since(world.records.length)).records)
  const records = world.records.filter(({ until = Infinity }) => until > now())
  world.tokens = world.tokens.filter(({ claims }) => claims.exp > Math.floor(now() / 1000))
  for (const { claims, session } of world.tokens) {
    const isGood = !session.isEnded && (claims.gen ?? -1) >= session.account.generation
    assert.equal(!isRefusedBy(records, claims), isGood, 'as a follower judges')
    const caller = await findCaller(store.parts.sessions, claims)
    assert.equal(caller !== undefined, isGood && isLiveIn(session, now()), 'as identity judges')
  }
  for (const session of sessions) {
    const known = await store.parts.sessions.find(session.id)
    assert.equal(known !== undefined && isLive(known), isLiveIn(session, now()))
  }
  for (const account of accounts.values()) {
    const known = await store.parts.accounts.find(account.id)
    assert.equal(known?.generation, account.generation)
    assert.equal(known?.isBlocked, account.isBlocked)
  }
  return world.tokens.length
}

async function assertLog({ store, now }: World): Promise<void> {
  const { head, records } = await store.log.since(0)
  let chain = firstChain(head.epoch)
  for (const [at, record] of records.entries()) {
    assert.equal(record.seq, at + 1)
    chain = nextChain(chain, record)
  }
  assert.deepEqual([records.length, chain], [head.seq, head.chain])
  // By the lesser of the two, and 5 s that clocks may be apart.
  const endedMs = Math.min(head.at, now()) - 5000
  const inForce = records.filter(({ until = Infinity }) => until > endedMs)
  const { records: taken } = await takeInForce(store.log)
  assert.deepEqual(taken, inForce)
}

testOnEngines('random histories of one database end as a small model says', async (t, engine) => {
  t.diagnostic(`PORTCULLIS_TEST_SEED=${seed}`)
  const url = await engine.createStore(t)
  const clock = createChosenClock()
  const world: World = {
    ...clock,
    url,
    store: await openPartsAt(url, clock.now, people),
    random: createRandom(seed),
    accounts: new Map(),
    sessions: [],
    tokens: [],
    passwordsMade: 0,
    records: [],
  }
  t.after(() => world.store.database.close())
  for (const identifier of people) {
    const id = identifier.padEnd(22, 'A')
    const password = `${identifier}-password`
    const account = { id, identifier, password, generation: firstBase, isBlocked: false }
    world.accounts.set(identifier, account)
  }
  const histories = historiesOn[engine.name]
  const verdicts = await runHistories(world, histories)
  t.diagnostic(`${verdicts} verdicts, ${(await world.store.log.since(0)).head.seq} records`)
  assert.ok(verdicts > histories * stepsEach)
})

async function runHistories(world: World, histories: number): Promise<number> {
  const lots = steps.flatMap(([weight, name, step]) =>
    Array.from({ length: weight }, () => ({ name, step })),
  )
  let verdicts = 0
  for (let history = 0; history < histories; history += 1) {
    const told: string[] = []
    try {
      for (let count = 0; count < stepsEach; count += 1) {
        const { name, step } = lots[world.random(lots.length)] ?? assert.fail()
        const account = world.accounts.get(people[world.random(people.length)] ?? '')
        assert.ok(account !== undefined)
        const own = world.sessions.filter((session) => session.account === account)
        told.push(`${account.identifier} ${name}`)
        await step(world, account, own[world.random(Math.max(1, own.length))])
        verdicts += await assertAgrees(world)
      }
      await assertLog(world)
    } catch (error) {
      throw new Error(`seed ${seed}, history ${history}: ${told.join(', ')}`, { cause: error })
    }
    world.sessions = world.sessions.slice(-4)
    const kept = new Set(world.sessions)
    world.tokens = world.tokens.filter(({ session }) => kept.has(session))
  }
  return verdicts
}
