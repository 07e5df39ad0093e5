import { Buffer } from 'node:buffer'
import { randomBytes, randomFillSync } from 'node:crypto'
import type { AccessTokenClaims } from '@portcullis/protocol'
import type { RevocationKind } from '@portcullis/protocol/revocations'
import { fingerprintOf } from '@portcullis/protocol/revocations'
import { createRevocationTable } from '../../packages/verify/src/revocation/table.ts'

/** Something that was taken back, as the issuer knows it. */
export interface Revocation {
  readonly kind: RevocationKind
  readonly id: string
  readonly floor: number
  /** Milliseconds since 1970. */
  readonly until: number
}

/** What holds revocations for the requests to ask. */
export interface RevocationHolder {
  /** Lays a record out in the form in which it comes to this holder; what is returned holds it. */
  readonly prepare: (revocation: Revocation) => () => void
  /** Answers whether this token is revoked. What can be laid out once for a token that stays is not measured. */
  readonly questionOf: (claims: AccessTokenClaims) => () => boolean
  /** Holds one more that no token will ever ask for. */
  readonly fill: (kind: RevocationKind, until: number) => void
}

export type HolderName = 'ours' | 'Map' | 'Set'

export const holders: Readonly<Record<HolderName, () => RevocationHolder>> = {
  ours: createOurs,
  Map: createMap,
  Set: createSet,
}

const issuer = 'https://id.example'

/** The one place that knows what our table looks like. */
function createOurs(): RevocationHolder {
  const table = createRevocationTable(issuer)
  const octets = Buffer.alloc(1 << 16)
  let at = octets.length
  let seq = 0
  /** What SHA-256 makes of an id cannot be told from chance. */
  const strange = (): bigint => {
    if (at === octets.length) {
      randomFillSync(octets)
      at = 0
    }
    at += 8
    return octets.readBigUInt64BE(at - 8)
  }
  const join = (kind: RevocationKind, fingerprint: bigint, floor: number, until: number): void => {
    seq += 1
    if (!table.join({ seq, kind, fingerprint, floor, until })) {
      throw new Error('a record was not new')
    }
  }
  return {
    prepare: ({ kind, id, floor, until }) => {
      const fingerprint = fingerprintOf(issuer, kind, id)
      return () => join(kind, fingerprint, floor, until)
    },
    questionOf: (claims) => () => table.revokes(claims),
    fill: (kind, until) => join(kind, strange(), floorOf(kind), until),
  }
}

/** What a service would write by hand: the ids are random, so one map serves every kind. */
function createMap(): RevocationHolder {
  const held = new Map<string, { readonly floor: number; readonly until: number }>()
  const isBelow = (id: string, generation = 0): boolean => generation < (held.get(id)?.floor ?? 0)
  const hold = ({ id, floor, until }: Revocation): void => void held.set(id, { floor, until })
  return {
    prepare: (revocation) => () => hold(revocation),
    questionOf:
      ({ client_id: client, cgen, sub, gen, sid = '', jti }) =>
      () =>
        isBelow(client, cgen) || isBelow(sub, gen) || held.has(sid) || held.has(jti),
    fill: (kind, until) => hold({ kind, id: newId(), floor: floorOf(kind), until }),
  }
}

/** The least that can be held: no generations and no ends. */
function createSet(): RevocationHolder {
  const held = new Set<string>()
  return {
    prepare:
      ({ id }) =>
      () =>
        void held.add(id),
    questionOf:
      ({ client_id: client, sub, sid = '', jti }) =>
      () =>
        held.has(client) || held.has(sub) || held.has(sid) || held.has(jti),
    fill: () => void held.add(newId()),
  }
}

function floorOf(kind: RevocationKind): number {
  return kind === 'account' || kind === 'client' ? 1 : 0
}

export function newId(): string {
  return randomBytes(16).toString('base64url')
}
