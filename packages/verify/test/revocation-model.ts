import type { AccessTokenClaims } from '@portcullis/protocol'
import type {
  Checkpoint,
  RevocationKind,
  RevocationRecord,
  SnapshotManifest,
} from '@portcullis/protocol/revocations'
import {
  encodeRecord,
  fingerprintOf,
  firstChain,
  nextChain,
} from '@portcullis/protocol/revocations'

export const issuer = 'https://id.example'
const lifetimeSeconds = 900

/** A whole number from 0 and below this one. */
export type Random = (below: number) => number

/** Mulberry32. */
export function seeded(seed: number): Random {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

export interface Minted {
  readonly claims: AccessTokenClaims
  /** When its revocation was acknowledged. */
  revokedAtMs?: number
}

export interface SentFrame {
  readonly checkpoint: Checkpoint
  readonly records: Buffer
}

/** An issuer that knows what it has acknowledged, and what it would sign at this moment. */
export interface ModelIssuer {
  readonly minted: readonly Minted[]
  readonly mint: () => void
  /** Takes back a session, an account's generation or a token, of a token that was minted. */
  readonly revoke: () => void
  /** Protocol 5: what an old epoch may have lost is made up for by a floor for all. */
  readonly startEpoch: () => void
  readonly frameAfter: (seq: number) => SentFrame
  readonly snapshot: () => { readonly manifest: SnapshotManifest; readonly records: Buffer }
}

interface ModelLog {
  readonly append: (kind: RevocationKind, key: string, floor: number) => void
  readonly startEpoch: () => void
  readonly frameAfter: (seq: number) => SentFrame
}

function createModelLog(now: () => number): ModelLog {
  let epochs = 0
  let epoch = ''
  let chain = ''
  let records: readonly RevocationRecord[] = []

  return {
    append: (kind, key, floor) => {
      const until = now() + (lifetimeSeconds + 60) * 1000
      const fingerprint = fingerprintOf(issuer, kind, key)
      const record = { seq: records.length + 1, kind, fingerprint, floor, until }
      records = [...records, record]
      chain = nextChain(chain, record)
    },
    startEpoch: () => {
      epochs += 1
      epoch = String(epochs).padStart(22, 'E')
      chain = firstChain(epoch)
      records = []
    },
    frameAfter: (seq) => ({
      checkpoint: { iss: issuer, epoch, seq: records.length, chain, at: now(), kids: ['k'] },
      records: Buffer.concat(records.slice(seq).map((record) => encodeRecord(record))),
    }),
  }
}

export function createModelIssuer(random: Random, now: () => number): ModelIssuer {
  const log = createModelLog(now)
  const generations = new Map<string, number>()
  const minted: Minted[] = []
  let base = 0
  log.startEpoch()

  const generationOf = (sub: string): number => base + (generations.get(sub) ?? 0)

  function revokeWhere(isMeant: (claims: AccessTokenClaims) => boolean): void {
    for (const token of minted) if (isMeant(token.claims)) token.revokedAtMs ??= now()
  }

  return {
    minted,
    mint: () => {
      const sub = `account ${random(4)}`
      const sid = `s${random(12)}.${base}`
      // A session that has ended mints nothing.
      if (minted.some(({ claims, revokedAtMs }) => claims.sid === sid && revokedAtMs)) return
      const iat = Math.floor(now() / 1000)
      const times = { iat, exp: iat + lifetimeSeconds }
      const ids = { iss: issuer, sub, aud: 'orders', jti: `j${minted.length}`, client_id: 'web' }
      minted.push({ claims: { ...ids, ...times, sid, gen: generationOf(sub), cgen: base } })
    },
    revoke: () => {
      const token = minted[random(minted.length)]
      if (token === undefined) return
      const { sid = '', sub, jti } = token.claims
      const kind = random(3)
      if (kind === 0) {
        log.append('session', sid, 0)
        revokeWhere((claims) => claims.sid === sid)
      } else if (kind === 1) {
        log.append('token', jti, 0)
        revokeWhere((claims) => claims.jti === jti)
      } else {
        generations.set(sub, (generations.get(sub) ?? 0) + 1)
        const floor = generationOf(sub)
        log.append('account', sub, floor)
        revokeWhere((claims) => claims.sub === sub && (claims.gen ?? 0) < floor)
      }
    },
    startEpoch: () => {
      base += 1_000
      log.startEpoch()
      log.append('all', '', base)
      revokeWhere(() => true)
    },
    frameAfter: log.frameAfter,
    snapshot: () => {
      const { checkpoint, records } = log.frameAfter(0)
      return { manifest: { ...checkpoint, sha256: '' }, records }
    },
  }
}
