import type { AccessTokenClaims } from '@portcullis/protocol'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import { callerOf, findCaller, holderOf } from '../../packages/identity/src/domain/callers.ts'
import { grantClientCredentials } from '../../packages/identity/src/domain/client-credentials.ts'
import type { KeyLine } from '../../packages/identity/src/domain/key-life.ts'
import type { NewKey } from '../../packages/identity/src/domain/key-opening.ts'
import { withdrawKey } from '../../packages/identity/src/domain/key-withdrawal.ts'
import { login } from '../../packages/identity/src/domain/login.ts'
import { recogniseAtLogout } from '../../packages/identity/src/domain/logout.ts'
import type { RefreshOutcome } from '../../packages/identity/src/domain/refresh.ts'
import { recogniseRefreshToken, refresh } from '../../packages/identity/src/domain/refresh.ts'
import { StoreUnavailableError } from '../../packages/identity/src/domain/store-unavailable.ts'
import { exchangeToken } from '../../packages/identity/src/domain/token-exchange.ts'
import { revokeToken } from '../../packages/identity/src/domain/token-revocation.ts'
import type { Chance } from './chance.ts'
import { algorithm, signCheaply } from './cheap-keys.ts'
import { newKey, partOf, policy } from './identity-node.ts'
import { nameOfTakeBack } from './judgement.ts'
import { audience, issuer, machine, people } from './names.ts'
import type { DeedParts, IdentityNode } from './nodes.ts'
import type { KnownToken, TakeBack } from './token-ledger.ts'
import type { HeldSession, World } from './world.ts'
import { nodesUp } from './world.ts'

/** Somebody does something at a node; what comes of it is told to the ledger. */
export type Deed = (world: World, chance: Chance, node: IdentityNode) => Promise<void>

const actor = { kind: 'command-line' } as const
const reason = 'the simulation'
const idOf = (name: string): string => name.padEnd(22, 'A')

const signIn: Deed = async (world, chance, { parts }) => {
  const identifier = chance.oneOf(people)
  const askedAt = world.time.now()
  const password = world.passwords.get(identifier) ?? identifier
  const outcome = await login(parts, { identifier, password })
  if (outcome.kind !== 'signed-in') return world.tally.count('logins refused')
  world.tally.count('logins')
  const { session, token } = outcome
  world.sessions.push({
    sessionId: session.id,
    accountId: session.accountId,
    refreshToken: outcome.refresh?.token ?? '',
    formerTokens: [],
  })
  noteToken(world, token.accessToken, askedAt)
}

const refreshOne: Deed = async (world, chance, { parts }) => {
  const session = someSession(world, chance)
  if (session === undefined) return
  const askedAt = world.time.now()
  const outcome = await present(world, session, session.refreshToken, parts)
  if (outcome.kind === 'refused') return world.tally.count('refreshes refused')
  world.tally.count(`refreshes ${outcome.how}`)
  if (outcome.refresh.token !== session.refreshToken)
    session.formerTokens.push(session.refreshToken)
  session.refreshToken = outcome.refresh.token
  noteToken(world, outcome.token.accessToken, askedAt)
}

/** A thief comes with a refresh token of long ago. */
const reuse: Deed = async (world, chance, { parts }) => {
  const session = someSession(world, chance)
  const old = session?.formerTokens.at(0)
  if (session !== undefined && old !== undefined) await present(world, session, old, parts)
}

/** A refresh token that was replaced, whoever still has it, ends its session. */
async function present(
  world: World,
  { sessionId }: HeldSession,
  refreshToken: string,
  parts: DeedParts,
): Promise<RefreshOutcome> {
  const one = begin(world, 'session', sessionId)
  const outcome = await settled(world, one, refresh(parts, { refreshToken }))
  if (outcome.kind === 'refused' && outcome.endedSessionId !== undefined) {
    world.tally.count('thefts found')
    acknowledge(world, one, undefined)
  } else {
    withdrawEntry(world, one)
  }
  return outcome
}

const logout: Deed = async (world, chance, { parts }) => {
  const session = someSession(world, chance)
  if (session === undefined) return
  await takeBack(world, 'session', session.sessionId, async () => {
    const known = await recogniseAtLogout(parts, session.refreshToken)
    if (known.kind === 'unknown') return undefined
    return parts.sessions.end(known.session.id)
  })
}

/** Begun and ended within seconds, perhaps where nothing is known of it. */
const shortSession: Deed = async (world, chance, node) => {
  await signIn(world, chance, node)
  await world.time.pause(chance.between(50, 2_000))
  const up = nodesUp(world)
  if (up.length > 0) await logout(world, chance, chance.oneOf(up))
}

const everywhere: Deed = async (world, chance, { parts }) => {
  const session = someSession(world, chance)
  if (session === undefined) return
  await takeBack(world, 'account', session.accountId, async () => {
    const known = await recogniseRefreshToken(parts, session.refreshToken)
    if (known === undefined) return undefined
    const outcome = await parts.accounts.endAllSessions(holderOf(known.session))
    return outcome.kind === 'ended' ? outcome.position : undefined
  })
}

const changePassword: Deed = async (world, chance, { parts }) => {
  const token = someToken(world, chance, ({ sessionId }) => sessionId !== undefined)
  if (token?.accountId === undefined) return
  const identifier = people.find((name) => idOf(name) === token.accountId) ?? ''
  const before = world.passwords.get(identifier) ?? identifier
  const next = `${identifier}-${world.time.now()}`
  await takeBack(world, 'account', token.accountId, async () => {
    const session = await findCaller(parts.sessions, claimsOf(token.text))
    if (session === undefined) return undefined
    const outcome = await parts.accounts.changePassword({
      caller: callerOf(session),
      oldHash: `hash of ${before}`,
      newHash: `hash of ${next}`,
    })
    if (outcome.kind !== 'changed') return undefined
    world.passwords.set(identifier, next)
    return outcome.position
  })
}

const block: Deed = async (world, chance, { parts }) => {
  const accountId = idOf(chance.oneOf(people))
  const decision = { accountId, actor, reason }
  await takeBack(world, 'account', accountId, async () => {
    const outcome = await parts.accounts.block(decision)
    return outcome.kind === 'blocked' ? outcome.position : undefined
  })
  await parts.accounts.unblock(decision)
}

const reduceRoles: Deed = async (world, chance, { parts }) => {
  const accountId = idOf(chance.oneOf(people))
  // Of two at a time one may find the role gone, and has taken back nothing.
  if (world.rolesInChange.has(accountId)) return
  world.rolesInChange.add(accountId)
  const decision = { accountId, actor, reason }
  await parts.administration.setRoles(decision, ['customer', 'boss'])
  await takeBack(world, 'account', accountId, async () => {
    const outcome = await parts.administration.setRoles(decision, ['customer'])
    return outcome.kind === 'changed' ? outcome.position : undefined
  })
  // One that throws may still be obeyed.
  world.rolesInChange.delete(accountId)
}

const disableClient: Deed = async (world, chance, { parts }) => {
  const clientId = idOf(chance.happens(0.7) ? machine : 'web')
  const decision = { clientId, actor, reason }
  await takeBack(world, 'client', clientId, async () => {
    const outcome = await parts.clientAdministration.disable(decision)
    return outcome.kind === 'done' ? outcome.position : undefined
  })
  await world.time.pause(chance.between(500, 8_000))
  await parts.clientAdministration.enable(decision)
}

const revokeOne: Deed = async (world, chance, { parts }) => {
  const token = someToken(world, chance, ({ clientId }) => clientId === idOf('web'))
  const client = token && (await parts.clients.find('web'))
  if (token === undefined || client === undefined) return
  await takeBack(world, 'token', token.jti, async () => {
    const outcome = await revokeToken(parts, client, token.text)
    return outcome.kind === 'revoked' ? outcome.position : undefined
  })
}

const everybody: Deed = async (world, _chance, { parts }) => {
  await takeBack(world, 'all', '', async () => {
    const outcome = await parts.administration.logOutEverybody({ actor, reason })
    return outcome.kind === 'ended' ? outcome.position : undefined
  })
}

const exchange: Deed = async (world, chance, { parts }) => {
  const subject = someToken(world, chance, ({ actorId }) => actorId === undefined)
  const askedAt = world.time.now()
  const client = subject && (await parts.clients.find(machine))
  if (subject === undefined || client === undefined) return
  const request = { client, subjectToken: subject.text, audiences: [audience] }
  const outcome = await exchangeToken(parts, request)
  if (outcome.kind === 'refused') return world.tally.count('exchanges refused')
  world.tally.count('exchanges')
  noteToken(world, outcome.token.accessToken, askedAt)
}

const machineToken: Deed = async (world, _chance, { parts }) => {
  const askedAt = world.time.now()
  const client = await parts.clients.find(machine)
  const outcome = client && (await grantClientCredentials(parts, { client }))
  if (outcome?.kind !== 'minted') return
  world.tally.count('tokens of machines')
  noteToken(world, outcome.accessToken, askedAt)
}

const rotateKeys: Deed = async (world, chance, { keys }) => {
  const purpose = chance.happens(0.6) ? 'access-token' : 'feed'
  const successor = newKey(world, { purpose, algorithm })
  const outcome = await keys.rotate({ successors: [successor], policy })
  if (outcome.kind === 'rotated') world.tally.count(`keys rotated: ${purpose}`)
}

/** The key was stolen a while ago, and somebody notices. */
const withdraw: Deed = async (world, chance, { keys, activeKid, kids }) => {
  const kid = chance.happens(0.7) ? activeKid('access-token') : chance.oneOf(kids('access-token'))
  if (kid === undefined) return
  const makeKey = async (line: KeyLine): Promise<NewKey> => newKey(world, line)
  await takeBack(world, 'key', kid, async () => {
    const outcome = await withdrawKey({ keys, makeKey }, { kid, actor, reason })
    return outcome.kind === 'withdrawn' ? outcome.position : undefined
  })
}

const deeds: Readonly<Record<string, Deed>> = {
  login: signIn,
  refresh: refreshOne,
  reuse,
  logout,
  'short session': shortSession,
  everywhere,
  'change password': changePassword,
  block,
  'reduce roles': reduceRoles,
  'disable client': disableClient,
  'revoke token': revokeOne,
  everybody,
  exchange,
  'machine token': machineToken,
  'rotate keys': rotateKeys,
  'withdraw key': withdraw,
}

/** Does it at some node that is up. That the store cannot be reached is no fault of anybody. */
export async function perform(world: World, name: string, chance: Chance): Promise<void> {
  const up = nodesUp(world)
  const deed = deeds[name]
  if (deed === undefined) throw new TypeError(`there is no deed ${name}`)
  if (up.length === 0) return
  const node = chance.oneOf(up)
  world.tell(`${name} at ${node.slot.name}`)
  try {
    await deed(world, chance, node)
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error
    world.tally.count('deeds without an answer')
  }
}

/** With the key of somebody else, one may say what one likes. */
export function forgedToken(world: World, chance: Chance, kid: string, nowMs: number): KnownToken {
  const iat = Math.floor(nowMs / 1000)
  const victim = world.sessions.at(-1)
  const claims = {
    iss: issuer,
    sub: victim?.accountId ?? idOf('alice'),
    aud: audience,
    exp: iat + 3_000,
    iat,
    jti: chance.bytes(16).toString('base64url'),
    client_id: idOf('web'),
    sid: chance.bytes(16).toString('base64url'),
    gen: 2 ** 52,
    cgen: 2 ** 52,
  }
  world.tally.count('tokens that were forged')
  const now = world.time.now()
  return { ...tokenOf(signCheaply(claims, 'at+jwt', kid), now, now), isForged: true }
}

function noteToken(world: World, text: string, askedAt: number): void {
  world.tokens.push(tokenOf(text, askedAt, world.time.now()))
  world.tell(`token ${claimsOf(text).jti.slice(0, 5)} is issued`)
}

function tokenOf(text: string, askedAt: number, answeredAt: number): KnownToken {
  const [header = ''] = text.split('.')
  const { jti, exp, client_id: clientId, cgen = 0, gen, sid, sub, act } = claimsOf(text)
  return {
    text,
    kid: String(partOf(header)['kid']),
    jti,
    expiresAtMs: exp * 1000,
    clientId,
    leastGeneration: Math.min(cgen, gen ?? cgen, actorGenerationOf(act) ?? cgen),
    sessionId: sid,
    accountId: sid === undefined ? undefined : sub,
    actorId: act === undefined ? undefined : idOf(machine),
    askedAt,
    answeredAt,
    isForged: false,
  }
}

/** There is one at the most in this world. */
function actorGenerationOf(act: unknown): number | undefined {
  return (act as { readonly cgen?: number } | undefined)?.cgen
}

function claimsOf(text: string): AccessTokenClaims {
  const [, payload = ''] = text.split('.')
  return partOf(payload) as unknown as AccessTokenClaims
}

function someSession({ sessions }: World, chance: Chance): HeldSession | undefined {
  const late = sessions.slice(-6)
  return late.length === 0 ? undefined : chance.oneOf(late)
}

function someToken(
  { tokens }: World,
  chance: Chance,
  fits: (token: KnownToken) => boolean,
): KnownToken | undefined {
  const late = tokens.filter(fits).slice(-8)
  return late.length === 0 ? undefined : chance.oneOf(late)
}

function begin(world: World, kind: TakeBack['kind'], key: string): TakeBack {
  const one: TakeBack = {
    kind,
    key,
    startedAt: world.time.now(),
    endedAt: Infinity,
    acknowledgedAt: undefined,
    issuerHighMs: Infinity,
    position: undefined,
  }
  world.takeBacks.push(one)
  return one
}

function acknowledge(world: World, one: TakeBack, position: RevocationPosition | undefined): void {
  one.endedAt = world.time.now()
  one.acknowledgedAt = world.time.now()
  one.issuerHighMs = world.issuerHighMs
  one.position = position
  world.tally.count(`taken back: ${one.kind}`)
  world.tell(`${nameOfTakeBack(one)} is acknowledged`)
  world.onTakeBack(one)
}

/** It was refused, so it never was. */
function withdrawEntry({ takeBacks }: World, one: TakeBack): void {
  takeBacks.splice(takeBacks.indexOf(one), 1)
}

async function settled<Result>(
  world: World,
  one: TakeBack,
  deed: Promise<Result>,
): Promise<Result> {
  try {
    return await deed
  } catch (error) {
    one.endedAt = world.time.now()
    world.tally.count('revocations in doubt')
    throw error
  }
}

async function takeBack(
  world: World,
  kind: TakeBack['kind'],
  key: string,
  act: () => Promise<RevocationPosition | undefined>,
): Promise<void> {
  const one = begin(world, kind, key)
  const position = await settled(world, one, act())
  if (position === undefined) withdrawEntry(world, one)
  else acknowledge(world, one, position)
}
