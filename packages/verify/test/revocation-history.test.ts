import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccessTokenClaims } from '@portcullis/protocol'
import type { TokenFault } from '../src/access-token.ts'
import { algorithmNamed } from '@portcullis/protocol/jws'
import { faultOfSigned, signedToken } from '../src/access-token.ts'
import type { FollowedLog } from '../src/revocation/followed-log.ts'
import { createFollowedLog } from '../src/revocation/followed-log.ts'
import { createFreshness } from '../src/revocation/freshness.ts'
import { createLiveKids } from '../src/revocation/live-kids.ts'
import { createRule } from '../src/revocation/rule.ts'
import { createRevocationTable } from '../src/revocation/table.ts'
import { processTimers } from '../src/timers.ts'
import type { ModelIssuer, Random, SentFrame } from './revocation-model.ts'
import { createModelIssuer, issuer, seeded } from './revocation-model.ts'

/**
 * Random histories of revocations and of a network that drops, repeats, delays and reorders, held
 * against a model that knows everything. A history is told by its seed alone.
 */
const histories = 400
const stepsMax = 120
const algorithm = algorithmNamed('ES256')
const key = { kid: 'k', algorithm, publicKey: algorithm.generateKeyPair().publicKey }
/** What clocks may be apart. */
const toleratedMs = 5_000

interface ModelVerifier {
  readonly log: FollowedLog
  readonly fate: (claims: AccessTokenClaims) => TokenFault | undefined
}

function createModelVerifier(
  wall: () => number,
  monotonic: () => number,
  maxStalenessMs: number,
): ModelVerifier {
  const table = createRevocationTable(issuer)
  const freshness = createFreshness({ wall, monotonic, maxStalenessMs, isBehind: () => false })
  const liveKids = createLiveKids(wall)
  const log = createFollowedLog({
    table,
    freshness,
    liveKids,
    timers: processTimers,
    onApplied: () => undefined,
  })
  const expected = {
    issuer,
    audience: 'orders',
    algorithms: new Set(['ES256' as const]),
    leewaySeconds: 5,
    lifetimeSecondsMax: 3_600,
  }
  const revocation = createRule({ table, liveKids, freshness, whenStale: 'refuse' })
  return {
    log,
    fate: (claims) => faultOfSigned(signedToken(claims, key), { expected, revocation }),
  }
}

/** How often what happened, over all histories: one in which nothing happens would prove nothing. */
const told = { accepted: 0, refused: 0, frames: 0, snapshots: 0, healthy: 0 }

interface ModelNetwork {
  readonly send: () => void
  readonly deliver: () => Promise<void>
  readonly drop: () => void
  readonly reconnect: () => Promise<void>
  /** The issuer's time of the newest checkpoint that has arrived and fitted. */
  readonly heardAtMs: () => number
}

function createModelNetwork(random: Random, server: ModelIssuer, log: FollowedLog): ModelNetwork {
  let onTheWay: SentFrame[] = []
  let sentSeq = 0
  let heardAtMs = 0

  async function receive({ checkpoint, records }: SentFrame): Promise<void> {
    if ((await log.applyFrame(checkpoint, records)) !== 'applied') return
    told.frames += 1
    heardAtMs = checkpoint.at
  }

  return {
    send: () => {
      const frame = server.frameAfter(sentSeq)
      onTheWay.push(frame)
      sentSeq = frame.checkpoint.seq
    },
    deliver: async () => {
      const place = random(3) === 0 ? random(onTheWay.length) : 0
      const [frame] = onTheWay.splice(place, 1)
      if (frame === undefined) return
      await receive(frame)
      if (random(4) === 0) await receive(frame)
    },
    drop: () => void onTheWay.splice(random(onTheWay.length), 1),
    reconnect: async () => {
      const { manifest, records } = server.snapshot()
      assert.equal(await log.joinSnapshot(manifest, records), 'applied')
      told.snapshots += 1
      heardAtMs = manifest.at
      sentSeq = manifest.seq
      // What the stream of before has sent may arrive all the same.
      onTheWay = onTheWay.filter(() => random(2) === 0)
    },
    heardAtMs: () => heardAtMs,
  }
}

interface Moment {
  readonly nowMs: number
  /** By how much the verifier's wall clock is ahead. */
  readonly skewMs: number
  readonly stalenessMs: number
  readonly isHealthy: boolean
}

function check({ minted }: ModelIssuer, { fate }: ModelVerifier, moment: Moment): void {
  const { nowMs, skewMs, stalenessMs, isHealthy } = moment
  if (isHealthy) told.healthy += 1
  for (const { claims, revokedAtMs } of minted) {
    const fault = fate(claims)
    told[fault === undefined ? 'accepted' : 'refused'] += 1
    const lateByMs = nowMs - (revokedAtMs ?? nowMs)
    if (lateByMs > stalenessMs + toleratedMs) {
      assert.notEqual(fault, undefined, `accepted ${lateByMs} ms after its revocation`)
    }
    const lives = claims.exp * 1000 > nowMs + Math.max(0, skewMs)
    if (revokedAtMs === undefined && lives && isHealthy) {
      assert.equal(fault, undefined, `refused as ${fault} while all was well`)
    }
  }
}

async function tellHistory(seed: number): Promise<void> {
  const random = seeded(seed)
  const stalenessMs = (3 + random(58)) * 1000
  let skewMs = random(2) === 0 ? 0 : random(2 * toleratedMs) - toleratedMs
  let nowMs = 1_700_000_000_000
  const server = createModelIssuer(random, () => nowMs)
  const verifier = createModelVerifier(
    () => nowMs + skewMs,
    () => nowMs,
    stalenessMs,
  )
  const network = createModelNetwork(random, server, verifier.log)
  const pass = (msMax: number): void => {
    nowMs += random(msMax)
  }

  const weighted: readonly (readonly [number, () => void | Promise<void>])[] = [
    [6, () => pass(2_000)],
    [1, () => pass(40_000)],
    [5, server.mint],
    [3, server.revoke],
    [8, network.send],
    [8, network.deliver],
    [2, network.drop],
    [2, network.reconnect],
    [1, () => (random(6) === 0 ? server.startEpoch() : undefined)],
    [1, () => void (skewMs = random(2 * toleratedMs) - toleratedMs)],
  ]
  const steps = weighted.flatMap(([weight, step]) => Array.from({ length: weight }, () => step))

  await network.reconnect()
  const length = 20 + random(stepsMax)
  for (let count = 0; count < length; count += 1) {
    await steps[random(steps.length)]?.()
    const isHealthy = nowMs - network.heardAtMs() + Math.max(0, skewMs) <= stalenessMs
    check(server, verifier, { nowMs, skewMs, stalenessMs, isHealthy })
  }
}

test('no history makes a revoked token outlive the bound, or refuses a good one while all is well', async () => {
  const first = Number(process.env['HISTORY_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  for (let seed = first; seed < first + histories; seed += 1) {
    try {
      await tellHistory(seed)
    } catch (error) {
      throw new Error(`history HISTORY_SEED=${seed}`, { cause: error })
    }
  }
  for (const [what, times] of Object.entries(told)) assert.ok(times > 1_000, `${what}: ${times}`)
})
