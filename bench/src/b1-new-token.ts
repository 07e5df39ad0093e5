import { Buffer } from 'node:buffer'
import { verify as verifySignature } from 'node:crypto'
import type { Verifier } from '@portcullis/verify'
import { derFromJoined } from '../../packages/protocol/src/jws/ecdsa-signature.ts'
import type { Findings, Goal, Ratio, Row, Sample } from './findings.ts'
import { atLeast, ratioOf, samplesOf, timeRow } from './findings.ts'
import type { Issuer, MeasuredAlgorithm } from './issuer.ts'
import { startIssuer } from './issuer.ts'
import { peers } from './peers.ts'
import { overlooked } from './preflight.ts'
import type { Contestant, Plan } from './rounds.ts'
import { contestant, interleave } from './rounds.ts'
import type { TokenStock } from './token-stock.ts'
import { stockOf } from './token-stock.ts'
import { workOf } from './token-work.ts'

/** How much of the raw signature check must be left. */
const shares: readonly (readonly [algorithm: MeasuredAlgorithm, ofRaw: number])[] = [
  ['RS256', 0.88],
  ['ES256', 0.92],
  ['EdDSA', 0.94],
]
const moonshotOfRaw = 0.95
const revocations = 1_000
/** More than anybody verifies in a round. */
const tokenCount = 16_384
const quickTokenCount = 64

/** No token is ever seen twice by one verifier: ours is a new one each round, and no peer has a cache. */
export async function measure(plan: Plan): Promise<Findings> {
  const all: Findings[] = []
  for (const [algorithm, ofRaw] of shares) {
    const issuer = await startIssuer(algorithm, revocations)
    all.push(await measureAlgorithm(issuer, ofRaw, plan))
    await issuer.end()
  }
  return {
    rows: all.flatMap(({ rows }) => rows),
    ratios: all.flatMap(({ ratios }) => ratios),
    mustReach: all.flatMap(({ mustReach }) => mustReach),
    moonshots: all.flatMap(({ moonshots }) => moonshots),
    notes: [...new Set(all.flatMap(({ notes }) => notes))],
  }
}

/** What the libraries do too: it shows what revocation costs. */
const oursPlain = 'ours, untilExpiry'

async function measureAlgorithm(issuer: Issuer, ofRaw: number, plan: Plan): Promise<Findings> {
  const { algorithm } = issuer
  const tokens = await issuer.mint(plan.isQuick ? quickTokenCount : tokenCount)
  const stock = stockOf(tokens)
  const ours = await createOurs('ours', issuer.follow, issuer, stock)
  const plain = await createOurs(oursPlain, issuer.trustUntilExpiry, issuer, stock)
  const libraries = await createLibraries(issuer, stock)
  const raw = createRaw(issuer, tokens)
  const samples = await interleave(
    [raw, ours.contestant, plain.contestant, ...libraries.contestants],
    plan,
  )
  await ours.end()
  await plain.end()

  const of = (name: string): readonly Sample[] => samplesOf(samples, name)
  const names = ['ours', oursPlain, ...libraries.contestants.map(({ name }) => name)]
  const toRaw = names.map((name) => ratioOf(`${algorithm}: ${name} of raw`, of('raw'), of(name)))
  const [oursToRaw] = toRaw
  if (oursToRaw === undefined) throw new TypeError('ours was not measured')
  const rows: readonly Row[] = ['raw', ...names].map((name) =>
    timeRow(`${algorithm}: ${name}`, of(name)),
  )
  const lead = leadOf(
    algorithm,
    of('ours'),
    libraries.contestants.map(({ name }) => of(name)),
  )
  return {
    rows,
    ratios: [...toRaw, lead],
    mustReach: [
      atLeast(`${algorithm}: share of raw`, oursToRaw.median, ofRaw),
      firstOrWithinSpread(algorithm, lead),
    ],
    moonshots: [atLeast(`${algorithm}: share of raw`, oursToRaw.median, moonshotOfRaw)],
    notes: libraries.notes,
  }
}

/** What the quickest of the libraries took, round by round, beside ours. */
function leadOf(
  algorithm: MeasuredAlgorithm,
  ours: readonly Sample[],
  others: readonly (readonly Sample[])[],
): Ratio {
  const ratios = others.map((other) => ratioOf(`${algorithm}: first library to ours`, other, ours))
  const [first] = ratios.toSorted((one, other) => one.median - other.median)
  if (first === undefined) throw new TypeError('no library was measured')
  return first
}

/** Level with the first when there was a round in which ours was as quick. */
function firstOrWithinSpread(algorithm: MeasuredAlgorithm, { max }: Ratio): Goal {
  return atLeast(`${algorithm}: best round beside the first library`, max, 1)
}

interface Ours {
  readonly contestant: Contestant
  readonly end: () => Promise<void>
}

async function createOurs(
  name: string,
  open: () => Promise<Verifier>,
  issuer: Issuer,
  stock: TokenStock,
): Promise<Ours> {
  let verifier = await open()
  const found = await overlooked(name, verifier, issuer)
  if (found.length > 0) throw new Error(`${name} overlooks ${found.join(', ')}`)
  const work = workOf({ kind: 'async', verify: (token) => verifier.verify(token) }, stock)
  return {
    contestant: contestant(name, {
      ...work,
      timesMax: stock.count,
      begin: async () => {
        await verifier.close()
        verifier = await open()
      },
    }),
    end: () => verifier.close(),
  }
}

async function createLibraries(
  issuer: Issuer,
  stock: TokenStock,
): Promise<{ readonly contestants: readonly Contestant[]; readonly notes: readonly string[] }> {
  const contestants: Contestant[] = []
  const notes: string[] = []
  for (const { name, create } of peers) {
    const verify = await create(issuer)
    if (verify === undefined) {
      notes.push(`${name} does not know ${issuer.algorithm}`)
      continue
    }
    const accepted = await overlooked(name, verify, issuer)
    if (accepted.length > 0) notes.push(`${name} accepts ${accepted.join(', ')}`)
    contestants.push(contestant(name, workOf(verify, stock)))
  }
  notes.push('only ours knows what was revoked, and how fresh that knowledge is')
  return { contestants, notes }
}

/** The limit: OpenSSL with everything laid out for it, and not even a string to make. */
function createRaw({ algorithm, publicKey }: Issuer, tokens: readonly string[]): Contestant {
  const digest = algorithm === 'EdDSA' ? null : 'sha256'
  const prepared = tokens.map((token) => {
    const end = token.lastIndexOf('.')
    const signature = Buffer.from(token.slice(end + 1), 'base64url')
    return {
      input: Buffer.from(token.slice(0, end)),
      signature: algorithm === 'ES256' ? derFromJoined(signature) : signature,
    }
  })
  let at = 0
  return contestant('raw', {
    work: (times) => {
      for (let done = 0; done < times; done += 1) {
        const next = prepared[at]
        at = (at + 1) % prepared.length
        if (next === undefined || !verifySignature(digest, next.input, publicKey, next.signature)) {
          throw new Error('a good signature was refused')
        }
      }
    },
  })
}
