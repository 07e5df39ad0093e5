import process from 'node:process'
import type { AccessTokenClaims } from '@portcullis/protocol'
import type { RevocationKind } from '@portcullis/protocol/revocations'
import type { Sample } from './findings.ts'
import type { HolderName } from './revocation-holders.ts'
import { holders, newId } from './revocation-holders.ts'
import { contestant } from './rounds.ts'
import { answerQuestions } from './worker.ts'

export type HolderQuestion =
  /** Holds so many from now on, or as many as it can. */
  | { readonly kind: 'grow'; readonly records: number }
  | { readonly kind: 'sample'; readonly roundMs: number }

export interface HolderAnswer {
  /** Fewer than asked for where the holder stops. */
  readonly records: number
  readonly bytesPerRecord: number
  /** What one more record took, in each batch of the last ones. */
  readonly joins: readonly Sample[]
  readonly sample: Sample
}

/** One holder and the tokens that are looked up in it, in a process whose memory is its own. */
const holder = holders[process.argv[2] as HolderName]()
const tokenCount = 32_768
/** Of so many tokens one was revoked. */
const revokedShare = 128
const revokedTokens = tokenCount / revokedShare
const joinBatch = 4_096
const joinBatches = 8
const hourMs = 3_600_000

const tokens = Array.from({ length: tokenCount }, newClaims)
const questions = tokens.map((claims) => holder.questionOf(claims))
let records = 0
let lastJoins: readonly Sample[] = []
// The tokens are there before, so that what grows is the holder.
const bytesBefore = bytesHeld()

for (const [at, { sid: id = '' }] of tokens.entries()) {
  if (at % revokedShare !== 0) continue
  holder.prepare({ kind: 'session', id, floor: 0, until: Date.now() + hourMs })()
  records += 1
}

const checks = contestant('checks', {
  work: (times) => {
    // Whole passes, so that it is known how many must be found.
    for (let pass = 0; pass < times; pass += 1) {
      let found = 0
      for (const isRevoked of questions) if (isRevoked()) found += 1
      if (found !== revokedTokens) throw new Error(`${found} of ${revokedTokens} were found`)
    }
  },
})

answerQuestions(async (asked): Promise<HolderAnswer> => {
  const question = asked as HolderQuestion
  let sample: Sample = { wallUs: 0, cpuUs: 0 }
  if (question.kind === 'sample') {
    const { wallUs, cpuUs } = await checks.sample(question.roundMs)
    sample = { wallUs: wallUs / tokenCount, cpuUs: cpuUs / tokenCount }
    return { records, bytesPerRecord: 0, joins: [], sample }
  }
  grow(question.records)
  const bytesPerRecord = (bytesHeld() - bytesBefore) / records
  return { records, bytesPerRecord, joins: lastJoins, sample }
})

function grow(wanted: number): void {
  const timedFrom = wanted - joinBatch * joinBatches
  try {
    while (records < timedFrom) fillOne()
    const joins: Sample[] = []
    while (records < wanted) joins.push(timedBatch())
    lastJoins = joins
  } catch (error) {
    // What V8 says when a Map or Set has 2^24 entries.
    if (!(error instanceof RangeError)) throw error
  }
}

function fillOne(): void {
  holder.fill(kindOf(records % 100), Date.now() + (records % hourMs))
  records += 1
}

/** The ids are made and, for ours, hashed before the clock starts: identity does that, once for all. */
function timedBatch(): Sample {
  const until = Date.now() + hourMs
  const prepared = Array.from({ length: joinBatch }, () =>
    holder.prepare({ kind: 'session', id: newId(), floor: 0, until }),
  )
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  for (const join of prepared) join()
  const wallUs = ((performance.now() - startedAt) * 1000) / joinBatch
  const { user, system } = process.cpuUsage(cpuBefore)
  records += joinBatch
  return { wallUs, cpuUs: (user + system) / joinBatch }
}

/** Mostly sessions end; accounts and single tokens now and then, clients hardly ever. */
function kindOf(share: number): RevocationKind {
  if (share === 0) return 'client'
  if (share < 5) return 'account'
  return share < 10 ? 'token' : 'session'
}

function newClaims(): AccessTokenClaims {
  const iat = Math.floor(Date.now() / 1000)
  return {
    iss: 'https://id.example',
    aud: 'orders',
    iat,
    exp: iat + 900,
    client_id: newId(),
    sub: newId(),
    sid: newId(),
    jti: newId(),
    gen: 0,
    cgen: 0,
  }
}

function bytesHeld(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  // `arrayBuffers` is a part of `external`.
  return heapUsed + external
}
