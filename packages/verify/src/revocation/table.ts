import type { Buffer } from 'node:buffer'
import type { AccessTokenClaims, JsonValue } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import type {
  FingerprintWords,
  RevocationKind,
  RevocationRecord,
} from '@portcullis/protocol/revocations'
import {
  encodeRecords,
  fingerprintOfWords,
  fingerprintWords,
  isRevocationKind,
} from '@portcullis/protocol/revocations'
import type { FingerprintTable, HeldEntry } from './fingerprint-table.ts'
import { createFingerprintTable } from './fingerprint-table.ts'

/** What is taken back, by fingerprint. It only ever grows, until an entry has outlived its tokens. */
export interface RevocationTable {
  /** Joins one record: sets grow and floors take the larger value. False when it was known already. */
  readonly join: (
    kind: RevocationKind,
    fingerprint: FingerprintWords,
    floor: number,
    until: number | undefined,
  ) => boolean
  /**
   * Joins what an event has told, which is of no log: tokens of this account that were minted in this second or
   * before. It is not among the `records`.
   */
  readonly joinMinted: (account: FingerprintWords, throughSeconds: number, until: number) => boolean
  /** How many of each kind will soon be held, or nothing when nobody knows: see `FingerprintTable.expect`. */
  readonly expect: (counts: ReadonlyMap<RevocationKind, number>) => void
  /** True when the token is revoked by `all`, its client, its account, its session or its own id. */
  readonly revokes: (token: RevocableToken) => boolean
  readonly revokesKey: (kid: string) => boolean
  /** Looks at a part of the entries and drops those that ended before; the next call takes the next part. */
  readonly sweep: (endedBeforeMs: number) => void
  /** How many entries are held. */
  readonly size: () => number
  /** All that is held as it is on the wire, a thousand at a time; `seq` is not known any more, and 0. */
  readonly records: () => Iterable<Buffer>
  /** How many joins have told something new. */
  readonly changes: () => number
}

/**
 * A token as a table asks about it: each of its names is hashed once, when there is a need to, and its
 * claims are not looked at again.
 */
export interface RevocableToken {
  readonly claims: AccessTokenClaims
  readonly gen: number | undefined
  readonly cgen: number | undefined
  readonly hasActors: boolean
  client: FingerprintWords | undefined
  account: FingerprintWords | undefined
  session: FingerprintWords | undefined
  token: FingerprintWords | undefined
}

export function revocableToken(claims: AccessTokenClaims): RevocableToken {
  return {
    claims,
    gen: claims.gen,
    cgen: claims.cgen,
    hasActors: claims.act !== undefined,
    client: undefined,
    account: undefined,
    session: undefined,
    token: undefined,
  }
}

/** Some milliseconds of work. */
const sliceRecords = 1_000
/** Clients and keys are few, and many tokens name the same. */
const namesKnownMax = 256

export function createRevocationTable(issuer: string): RevocationTable {
  const kinds: Readonly<Record<Exclude<RevocationKind, 'all'>, FingerprintTable>> = {
    session: createFingerprintTable(false),
    account: createFingerprintTable(true),
    client: createFingerprintTable(true),
    token: createFingerprintTable(false),
    key: createFingerprintTable(false),
  }
  /** The first second that is good again. */
  const minted = createFingerprintTable(true)
  const tables = [...Object.values(kinds), minted]
  const { key } = kinds
  const wordsOfClient = createKnownNames(issuer, 'client')
  const wordsOfKey = createKnownNames(issuer, 'key')
  let allFloor = 0
  let changes = 0

  function raiseAll(floor: number): boolean {
    const isNew = floor > allFloor
    allFloor = Math.max(allFloor, floor)
    return isNew
  }

  function note(isNew: boolean): boolean {
    if (isNew) changes += 1
    return isNew
  }

  return {
    join: (kind, fingerprint, floor, until) =>
      note(kind === 'all' ? raiseAll(floor) : kinds[kind].join(fingerprint, floor, until)),
    joinMinted: (fingerprint, throughSeconds, until) =>
      note(minted.join(fingerprint, throughSeconds + 1, until)),
    expect: (counts) => {
      for (const [kind, table] of Object.entries(kinds)) {
        table.expect(counts.get(kind as RevocationKind) ?? 0)
      }
    },
    revokes: createTokenCheck({ issuer, kinds, minted, wordsOfClient, allFloor: () => allFloor }),
    revokesKey: (kid) => key.size() > 0 && key.floorOf(wordsOfKey(kid)) >= 0,
    sweep: (endedBeforeMs) => {
      for (const table of tables) table.sweep(endedBeforeMs)
    },
    size: () => tables.reduce((sum, table) => sum + table.size(), 0),
    records: () => recordsOf(kinds, allFloor),
    changes: () => changes,
  }
}

/** What a token is looked up in. */
interface TokenTables {
  readonly issuer: string
  readonly kinds: Readonly<Record<Exclude<RevocationKind, 'all'>, FingerprintTable>>
  readonly minted: FingerprintTable
  readonly wordsOfClient: (name: string) => FingerprintWords
  readonly allFloor: () => number
}

function createTokenCheck({
  issuer,
  kinds: { session, account, client, token },
  minted,
  wordsOfClient,
  allFloor,
}: TokenTables): RevocationTable['revokes'] {
  const wordsOfSession = ({ sid }: AccessTokenClaims): FingerprintWords | undefined =>
    sid === undefined ? undefined : fingerprintWords(issuer, 'session', sid)

  const isActorBelow = (claims: AccessTokenClaims, cgen: number): boolean =>
    actorsOf(claims, cgen).some((one) => one.cgen < client.floorOf(wordsOfClient(one.name)))

  return (asked) => {
    const { gen, cgen } = asked
    if (gen !== undefined && gen < allFloor()) return true
    if (cgen !== undefined && cgen < allFloor()) return true
    // For a kind without entries nothing is hashed.
    if (client.size() > 0 && cgen !== undefined) {
      asked.client ??= wordsOfClient(asked.claims.client_id)
      if (cgen < client.floorOf(asked.client)) return true
      if (asked.hasActors && isActorBelow(asked.claims, cgen)) return true
    }
    if (account.size() > 0 && gen !== undefined) {
      asked.account ??= fingerprintWords(issuer, 'account', asked.claims.sub)
      if (gen < account.floorOf(asked.account)) return true
    }
    if (minted.size() > 0) {
      asked.account ??= fingerprintWords(issuer, 'account', asked.claims.sub)
      if (asked.claims.iat < minted.floorOf(asked.account)) return true
    }
    if (session.size() > 0) {
      asked.session ??= wordsOfSession(asked.claims)
      if (asked.session !== undefined && session.floorOf(asked.session) >= 0) return true
    }
    if (token.size() === 0) return false
    asked.token ??= fingerprintWords(issuer, 'token', asked.claims.jti)
    return token.floorOf(asked.token) >= 0
  }
}

const noFingerprint = { high: 0, low: 0 }

function* recordsOf(
  kinds: Readonly<Record<string, FingerprintTable>>,
  allFloor: number,
): Generator<Buffer> {
  if (allFloor > 0) {
    yield encodeRecords([recordOf('all', { fingerprint: noFingerprint, floor: allFloor })])
  }
  for (const [kind, table] of Object.entries(kinds)) {
    if (!isRevocationKind(kind)) continue
    for (const part of table.parts()) {
      for (let at = 0; at < part.length; at += sliceRecords) {
        yield encodeRecords(part.slice(at, at + sliceRecords).map((entry) => recordOf(kind, entry)))
      }
    }
  }
}

function recordOf(
  kind: RevocationKind,
  { fingerprint: words, floor, until }: Omit<HeldEntry, 'until'> & Partial<HeldEntry>,
): RevocationRecord {
  return { seq: 0, kind, fingerprint: fingerprintOfWords(words), floor, until }
}

function createKnownNames(
  issuer: string,
  kind: RevocationKind,
): (name: string) => FingerprintWords {
  const known = new Map<string, FingerprintWords>()
  return (name) => {
    const held = known.get(name)
    if (held !== undefined) return held
    if (known.size >= namesKnownMax) known.clear()
    const words = fingerprintWords(issuer, kind, name)
    known.set(name, words)
    return words
  }
}

/**
 * Whoever acts in the token: RFC 8693 section 4.1 nests `act` claims. Each is another client, with a generation
 * of its own; one that names none goes by that of the token.
 */
function actorsOf(
  { act }: AccessTokenClaims,
  ofToken: number,
): readonly { readonly name: string; readonly cgen: number }[] {
  const actors: { name: string; cgen: number }[] = []
  let actor: JsonValue | undefined = act
  // The parser has bounded the depth.
  while (isJsonObject(actor)) {
    const own = actor['cgen']
    const cgen = typeof own === 'number' ? own : ofToken
    for (const name of [actor['client_id'], actor['sub']]) {
      if (typeof name === 'string') actors.push({ name, cgen })
    }
    actor = actor['act']
  }
  return actors
}
