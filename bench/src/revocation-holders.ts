import { Buffer } from 'node:buffer'
import { randomBytes, randomFillSync } from 'node:crypto'
import type { AccessTokenClaims } from '@portcullis/protocol'
import type { FingerprintWords, RevocationKind } from '@portcullis/protocol/revocations'
import {
  fingerprintOf,
  fingerprintOfWords,
  fingerprintWords,
} from '@portcullis/protocol/revocations'
import {
  createRevocationTable,
  revocableToken,
} from '../../packages/verify/src/revocation/table.ts'

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

export type HolderName = 'ours' | 'Map' | 'Set' | 'Map of ids'

export const holders: Readonly<Record<HolderName, () => RevocationHolder>> = {
  ours: createOurs,
  Map: createMap,
  Set: createSet,
  'Map of ids': createMapOfIds,
}

const issuer = 'https://id.example'

const octets = Buffer.alloc(1 << 16)
let at = octets.length

/** What SHA-256 makes of an id cannot be told from chance. */
function strange(): FingerprintWords {
  if (at === octets.length) {
    randomFillSync(octets)
    at = 0
  }
  at += 8
  return { high: octets.readInt32BE(at - 8), low: octets.readInt32BE(at - 4) }
}

/** The one place that knows what our table looks like. */
function createOurs(): RevocationHolder {
  const table = createRevocationTable(issuer)
  const join = (
    kind: RevocationKind,
    words: FingerprintWords,
    floor: number,
    until: number,
  ): void => {
    if (!table.join(kind, words, floor, until)) throw new Error('a record was not new')
  }
  return {
    prepare: ({ kind, id, floor, until }) => {
      const words = fingerprintWords(issuer, kind, id)
      return () => join(kind, words, floor, until)
    },
    questionOf: (claims) => {
      const token = revocableToken(claims)
      return () => table.revokes(token)
    },
    fill: (kind, until) => join(kind, strange(), floorOf(kind), until),
  }
}

/** The same by what JavaScript has for it: the feed tells fingerprints of 64 bits, which are bigints. */
function createMap(): RevocationHolder {
  const held = new Map<bigint, { readonly floor: number; readonly until: number }>()
  const isBelow = (name: bigint, generation = 0): boolean =>
    generation < (held.get(name)?.floor ?? 0)
  return {
    prepare: ({ kind, id, floor, until }) => {
      const name = fingerprintOf(issuer, kind, id)
      return () => void held.set(name, { floor, until })
    },
    questionOf: (claims) => {
      const { client, account, session, token } = fingerprintsOf(claims)
      const { cgen, gen } = claims
      return () =>
        isBelow(client, cgen) || isBelow(account, gen) || held.has(session) || held.has(token)
    },
    fill: (kind, until) =>
      void held.set(fingerprintOfWords(strange()), { floor: floorOf(kind), until }),
  }
}

/** The least that can be held: no generations and no ends. */
function createSet(): RevocationHolder {
  const held = new Set<bigint>()
  return {
    prepare: ({ kind, id }) => {
      const name = fingerprintOf(issuer, kind, id)
      return () => void held.add(name)
    },
    questionOf: (claims) => {
      const { client, account, session, token } = fingerprintsOf(claims)
      return () => held.has(client) || held.has(account) || held.has(session) || held.has(token)
    },
    fill: () => void held.add(fingerprintOfWords(strange())),
  }
}

/**
 * What an issuer could feed that sends ids instead of fingerprints. The questions are strings that were
 * hashed before, as for a token that stays.
 */
function createMapOfIds(): RevocationHolder {
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

interface Fingerprints {
  readonly client: bigint
  readonly account: bigint
  readonly session: bigint
  readonly token: bigint
}

function fingerprintsOf({
  client_id: client,
  sub,
  sid = '',
  jti,
}: AccessTokenClaims): Fingerprints {
  return {
    client: fingerprintOf(issuer, 'client', client),
    account: fingerprintOf(issuer, 'account', sub),
    session: fingerprintOf(issuer, 'session', sid),
    token: fingerprintOf(issuer, 'token', jti),
  }
}

function floorOf(kind: RevocationKind): number {
  return kind === 'account' || kind === 'client' ? 1 : 0
}

export function newId(): string {
  return randomBytes(16).toString('base64url')
}
