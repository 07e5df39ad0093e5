import { Broken } from './faults.ts'
import { refusalAt } from './follower.ts'
import type { SimulatedFollower } from './services.ts'
import type { KnownToken, TakeBack } from './token-ledger.ts'
import { mayTake, surelyTakes } from './token-ledger.ts'
import type { World } from './world.ts'
import { storeClock } from './world.ts'

/** How long a key may be used after it was confirmed last. */
const keyAgeMsMax = 900_000
/** What clocks that are right may differ by, and what a confirmation may have been on its way. */
const keySlackMs = 20_000
const leewayMs = 5_000
/** One node hears of what another has committed with its next beat, and some commits take seconds. */
const undisturbedMsMax = 10_000
/** A second, and a turn. */
const recheckMs = 1_010
const betweenCheckpointsMs = 4_000

const takenBack: ReadonlySet<string> = new Set(['revoked', 'key-withdrawn'])
const unsure: ReadonlySet<string> = new Set([
  'stale',
  'keys-unavailable',
  'clocks-disagree',
  'unknown-key',
  'not-yet-valid',
])

/** Shows a token to a service, and holds the answer against what was promised. Answers what it was. */
export async function present(
  world: World,
  follower: SimulatedFollower,
  token: KnownToken,
): Promise<string> {
  const verifier = follower.verifier()
  const stays = !token.isForged && world.chance.happens(0.2)
  const why = await refusalAt(follower, token, stays)
  // Of a life that is over nobody hears an answer.
  if (verifier !== follower.verifier()) return 'unheard'
  const what = `${follower.name} ${why === undefined ? 'lets in' : `refuses as ${why}`} ${nameOf(token)}`
  try {
    if (why === undefined) judgeAccepted(world, follower, token)
    else judgeRefused(world, follower, token, why)
  } catch (error) {
    throw error instanceof Broken ? new Broken(`${what}: ${error.message}`) : error
  }
  world.tally.count(why === undefined ? 'tokens let in' : `refused as ${why}`)
  world.tell(what)
  judgeConnections(world, follower)
  return why ?? 'let in'
}

function judgeAccepted(world: World, follower: SimulatedFollower, token: KnownToken): void {
  if (follower.refused().has(token)) throw new Broken('it was refused as revoked before')
  const broken = brokenBy(world, follower, token)
  if (broken !== undefined) throw new Broken(broken.why)
}

/** What speaks against a token that is let in at this moment, and since when, where a clock says it. */
interface Breach {
  readonly why: string
  readonly lateMs: number
}

function brokenBy(
  world: World,
  follower: SimulatedFollower,
  token: KnownToken,
): Breach | undefined {
  const now = world.time.now()
  for (const one of world.takeBacks) {
    const { acknowledgedAt } = one
    if (acknowledgedAt === undefined || acknowledgedAt > now || !surelyTakes(one, token)) continue
    const agoMs = now - acknowledgedAt
    if (hasApplied(follower, one)) {
      return { why: `${nameOfTakeBack(one)} was applied there`, lateMs: Infinity }
    }
    const lateMs =
      one.kind === 'key'
        ? agoMs - keyAgeMsMax - follower.setBackMs() - keySlackMs
        : follower.nowMs() - one.issuerHighMs - follower.maxStalenessMs
    // A forger is bounded by the key alone: he says when it was minted.
    // For anybody else: however far somebody has set a clock, no more time has passed than that.
    const isOverdue = !token.isForged && agoMs > follower.maxStalenessMs
    const isLate = lateMs > 0 && (one.kind === 'key' || isOverdue)
    const why = `${nameOfTakeBack(one)} was acknowledged ${agoMs} ms ago, ${lateMs} ms beyond the bound`
    if (isLate) return { why, lateMs }
    if (isUndisturbed(world, acknowledgedAt) && agoMs > undisturbedMsMax) {
      return { why, lateMs: Infinity }
    }
    world.tally.count('tokens let in within the bound')
  }
  return undefined
}

/** Nothing was wrong then, nor since. */
function isUndisturbed({ excusedUntil, config }: World, since: number): boolean {
  return config.lossRate === 0 && since > excusedUntil
}

/** Whoever stays is asked again at every checkpoint, and every second. */
function judgeConnections(world: World, follower: SimulatedFollower): void {
  const now = world.time.now()
  for (const one of follower.connections()) {
    const broken = one.signal.aborted ? undefined : brokenBy(world, follower, one.token)
    if (broken === undefined) one.lateSince = undefined
    else one.lateSince ??= now
    if (broken === undefined || one.lateSince === undefined) continue
    // By a clock that was set back meanwhile it is late only since then.
    if (Math.min(now - one.lateSince, broken.lateMs) > recheckMs) {
      throw new Broken(
        `a connection at ${follower.name} lives on ${nameOf(one.token)}: ${broken.why}`,
      )
    }
  }
  const ended = follower.connections().filter(({ signal }) => signal.aborted)
  world.tally.count('connections ended', ended.length)
  for (const one of ended) follower.connections().splice(follower.connections().indexOf(one), 1)
}

export function hasApplied(follower: SimulatedFollower, { position }: TakeBack): boolean {
  const health = follower.verifier().revocation()
  if (position === undefined || !health.followed) return false
  const { epoch, seq = -1 } = health
  // What stands on its disk counts from the first moment, whatever comes of the feed.
  return [{ epoch, seq }, follower.foundPosition()].some(
    (known) => known?.epoch === position.epoch && known.seq >= position.seq,
  )
}

function judgeRefused(
  world: World,
  follower: SimulatedFollower,
  token: KnownToken,
  why: string,
): void {
  const now = world.time.now()
  if (takenBack.has(why)) {
    // The only such word that a later checkpoint takes back.
    if (isOfYoungKey(world, follower, token, why)) return
    follower.refused().add(token)
    // A key that was replaced is gone when all that it has signed is dead.
    if (why === 'key-withdrawn' && isExpired(follower, token)) return
    if (token.isForged || world.takeBacks.some((one) => mayTake(one, token, now))) return
    if (isOfFormerEpoch(world, token)) return
    throw new Broken('nobody has taken it back')
  }
  if (why === 'expired') {
    if (isExpired(follower, token)) return
    throw new Broken(`it expires in ${token.expiresAtMs - follower.nowMs()} ms`)
  }
  if (why === 'feed-unavailable' && follower.isEnding()) return
  if (!unsure.has(why)) throw new Broken('it is as it was issued')
  // Where clocks differ by nearly as much as a service asks for, it is stale between two checkpoints.
  const behindMs = storeBehindMs(world, follower)
  const apartMs = Math.max(2 * world.config.skewMs, behindMs)
  const isAttainable =
    follower.maxStalenessMs > apartMs + betweenCheckpointsMs && -behindMs < leewayMs
  if (now > world.excusedUntil && isAttainable && !token.isForged) {
    if (world.takeBacks.some((one) => mayTake(one, token, now))) return
    throw new Broken(`the feed was there since ${now - world.excusedUntil} ms and longer`)
  }
}

/** Less than nothing where it is ahead. A clock that somebody has set stays wrong until everything is mended. */
function storeBehindMs(world: World, follower: SimulatedFollower): number {
  return follower.clock.aheadMs() - (storeClock(world)?.aheadMs() ?? 0)
}

/** Or may be, as this service sees it. */
function isExpired(follower: SimulatedFollower, { expiresAtMs }: KnownToken): boolean {
  return expiresAtMs <= follower.nowMs() + 2 * leewayMs
}

/** What is minted on a primary that was left behind is of an epoch that is over. */
function isOfFormerEpoch({ sites }: World, token: KnownToken): boolean {
  return sites.some((site) => token.leastGeneration < site.base())
}

/**
 * A key that signs before the last checkpoint has named it, because those before it were withdrawn, is no key to
 * whoever has lost the feed: what a checkpoint does not name is withdrawn.
 */
function isOfYoungKey(
  { tally }: World,
  follower: SimulatedFollower,
  { kid }: KnownToken,
  why: string,
): boolean {
  const health = follower.verifier().revocation()
  const isFirst = kid === 'access-token-1' || kid === 'access-token-2'
  if (why !== 'key-withdrawn' || isFirst || (health.followed && health.isFresh)) return false
  tally.count('keys younger than the last checkpoint')
  return true
}

export function nameOf({ jti, sessionId, accountId, isForged, kid }: KnownToken): string {
  const whose =
    sessionId === undefined ? '' : ` of ${accountId?.slice(0, 5)}, session ${sessionId.slice(0, 5)}`
  return `${isForged ? 'forged ' : ''}token ${jti.slice(0, 5)}${whose}, key ${kid}`
}

export function nameOfTakeBack({ kind, key }: TakeBack): string {
  return `the end of ${kind} ${key.slice(0, 16)}`
}
