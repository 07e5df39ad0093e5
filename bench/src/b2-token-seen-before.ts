import type { Verifier } from '@portcullis/verify'
import type { AccessPattern } from './access-order.ts'
import { seededOrder } from './access-order.ts'
import type { Findings, Ratio, Sample } from './findings.ts'
import { atLeast, atMost, less, ratioOf, samplesOf, timeRow } from './findings.ts'
import type { Issuer } from './issuer.ts'
import { startIssuer } from './issuer.ts'
import type { Verify } from './peers.ts'
import { fastJwt } from './peers.ts'
import { overlooked } from './preflight.ts'
import type { Contestant, Plan } from './rounds.ts'
import { contestant, interleave } from './rounds.ts'
import type { TokenStock } from './token-stock.ts'
import { stockOf } from './token-stock.ts'
import { workOf } from './token-work.ts'

const patterns: readonly AccessPattern[] = ['zipf', 'uniform']
const liveTokens = 10_000
const quickLiveTokens = 200
const fastJwtEntries = 20_000
const revocations = 1_000
/** A hundred a second. */
const revokeEveryMs = 10

const hitMicrosecondsMax = 2
const moonshotMicroseconds = 1.3
const timesFastJwt = 3

/**
 * The same live tokens again and again. The string of a request is new each time; making it is a row of
 * its own and is taken off the others, round by round.
 */
export async function measure(plan: Plan): Promise<Findings> {
  // What is in a cache was not verified again, so the algorithm does not matter; this one is minted fast.
  const issuer = await startIssuer('ES256', revocations)
  const tokens = await issuer.mint(plan.isQuick ? quickLiveTokens : liveTokens)
  const stock = stockOf(tokens)
  const verifier = await issuer.follow()
  const found = await overlooked('ours', verifier, issuer)
  if (found.length > 0) throw new Error(`ours overlooks ${found.join(', ')}`)
  const fast = fastJwt(issuer, fastJwtEntries)
  for (const token of tokens) await verifier.verify(token)
  for (const token of tokens) await fast.verify(token)
  const recordsBefore = recordsOf(verifier)
  const contestants = patterns.flatMap((pattern) =>
    contestantsFor(pattern, { issuer, verifier, fast, stock, tokens }),
  )
  const samples = await interleave(contestants, plan)
  const arrived = recordsOf(verifier) - recordsBefore
  if (arrived === 0) throw new Error('no revocation has arrived')
  await verifier.close()
  await issuer.end()
  return findingsOf(
    contestants.map(({ name }) => name),
    samples,
    arrived,
  )
}

interface Scene {
  readonly issuer: Issuer
  readonly verifier: Verifier
  /** All of them have seen every token. */
  readonly fast: Verify
  readonly stock: TokenStock
  readonly tokens: readonly string[]
}

function contestantsFor(pattern: AccessPattern, scene: Scene): readonly Contestant[] {
  const { issuer, verifier, fast, stock, tokens } = scene
  const order = seededOrder(pattern, stock.count)
  const held = new Map(tokens.map((token) => [token, { sub: token.slice(-8) }]))
  const ours: Verify = { kind: 'async', verify: (token) => verifier.verify(token) }
  const onlyString: Verify = { kind: 'sync', verify: (token) => token }
  const map: Verify = {
    kind: 'sync',
    verify: (token) => {
      if (held.get(token) === undefined) throw new Error('a token is not in the map')
    },
  }
  return [
    contestant(`${pattern}: the string alone`, workOf(onlyString, stock, order)),
    contestant(`${pattern}: ours`, workOf(ours, stock, order)),
    contestant(`${pattern}: ours, 100 revocations/s`, {
      ...workOf(ours, stock, order),
      begin: async () => {
        await issuer.revokeEvery(revokeEveryMs)
        await issuer.revokeOne(verifier)
      },
      end: () => issuer.revokeEvery(0),
    }),
    contestant(`${pattern}: fast-jwt`, workOf(fast, stock, order)),
    contestant(`${pattern}: Map`, workOf(map, stock, order)),
  ]
}

function findingsOf(
  names: readonly string[],
  samples: ReadonlyMap<string, readonly Sample[]>,
  arrived: number,
): Findings {
  const ofHit = (pattern: AccessPattern, who: string): readonly Sample[] =>
    less(
      samplesOf(samples, `${pattern}: ${who}`),
      samplesOf(samples, `${pattern}: the string alone`),
    )
  const verifiers = ['ours', 'ours, 100 revocations/s', 'fast-jwt', 'Map']
  const hits = patterns.flatMap((pattern) =>
    verifiers.map((who) => timeRow(`${pattern}: ${who}, less the string`, ofHit(pattern, who))),
  )
  const ratios: readonly Ratio[] = patterns.map((pattern) =>
    ratioOf(
      `${pattern}: fast-jwt to ours, less the string`,
      ofHit(pattern, 'fast-jwt'),
      ofHit(pattern, 'ours'),
    ),
  )
  const ourHits = hits
    .filter(({ name }) => name.includes(': ours'))
    .map(({ name, cpu }) => ({ name, microseconds: cpu?.median ?? Infinity }))
  return {
    rows: [...names.map((name) => timeRow(name, samplesOf(samples, name))), ...hits],
    ratios,
    mustReach: [
      ...ourHits.map(({ name, microseconds }) => atMost(name, microseconds, hitMicrosecondsMax)),
      ...ratios.map(({ name, median }) => atLeast(name, median, timesFastJwt)),
    ],
    moonshots: ourHits.map(({ name, microseconds }) =>
      atMost(name, microseconds, moonshotMicroseconds),
    ),
    notes: [`${arrived} revocations came over the feed while it was measured`],
  }
}

function recordsOf(verifier: Verifier): number {
  const health = verifier.revocation()
  return health.followed ? health.records : 0
}
