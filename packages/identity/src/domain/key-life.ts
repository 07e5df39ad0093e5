import type { AlgorithmName } from '@portcullis/protocol/jws'

/** What a key signs. Neither kind verifies what the other has signed. */
export type KeyPurpose = 'access-token' | 'feed'

/**
 * A key is published while it is pending, signs while it is active, and still verifies while it is
 * retiring. When it is destroyed its private half is erased, and nothing of it is published. When it is
 * withdrawn that happens before its time: what it has signed is not to be believed.
 */
export type KeyState = 'pending' | 'active' | 'retiring' | 'destroyed' | 'withdrawn'

/** Keys that follow one another: at any time one of them is active and one is pending. */
export interface KeyLine {
  readonly purpose: KeyPurpose
  readonly algorithm: AlgorithmName
}

/** What is known of a key without opening it. Times are milliseconds since 1970. */
export interface KeyFacts extends KeyLine {
  readonly kid: string
  readonly state: KeyState
  readonly createdAt: number
  readonly activatedAt: number | undefined
  readonly retiredAt: number | undefined
  /** Of withdrawn keys too. */
  readonly destroyedAt: number | undefined
}

/** The keys that are not destroyed, as the store has them at one moment. */
export interface KeyStock {
  /** The store's clock at that moment, in milliseconds since 1970. */
  readonly readAt: number
  readonly keys: readonly KeyFacts[]
  /** The longest lifetime that access tokens ever had; undefined while the store keeps none. */
  readonly accessTokenSecondsMax: number | undefined
}

export interface KeyPolicy {
  /** How long a key is published before it may sign. */
  readonly publishedMsMin: number
  /** The age, counted from its activation, at which an active key is followed by the next. */
  readonly activeMsMax: number
}

/** One of the two places of a line that always have a key. */
export interface KeyPlace extends KeyLine {
  readonly state: 'active' | 'pending'
}

export type KeyRotationDecision = { readonly kind: 'may-rotate' } | RotationTooEarly

export interface RotationTooEarly {
  readonly kind: 'too-early'
  /** From when on it may be: milliseconds since 1970, by the store's clock. */
  readonly mayAt: number
  /** How long that is from the moment at which the keys were read. */
  readonly waitMs: number
}

/** From one key set to the copies of it that others hold: transport, and clocks that differ. */
const skewMs = 5000
const dayMs = 24 * 3600 * 1000
/** The longest lifetime that the settings allow. */
const accessTokenSecondsLongest = 3600
/** What a retiring key stays beyond the life of the last token that it can have signed. */
const retiringMarginMs = 60_000
/** Five algorithms with 1 active, 1 pending and 4 retiring keys are 30; verifiers read 32. */
const retiringKeysMax = 4

/** How long a copy of the key set may be used while a fresh one is fetched (RFC 5861 section 3). */
export function staleWhileRevalidateSeconds(jwksMaxAgeSeconds: number): number {
  return jwksMaxAgeSeconds
}

export function keyPolicy(settings: {
  readonly jwksMaxAgeSeconds: number
  readonly keyRotationDays: number
}): KeyPolicy {
  const { jwksMaxAgeSeconds, keyRotationDays } = settings
  const copySeconds = jwksMaxAgeSeconds + staleWhileRevalidateSeconds(jwksMaxAgeSeconds)
  return { publishedMsMin: copySeconds * 1000 + skewMs, activeMsMax: keyRotationDays * dayMs }
}

/**
 * Whether all these lines may rotate together (protocol, section 4). The pending key of each must have
 * been published for so long that no copy of an older key set is in use.
 */
export function decideKeyRotation(
  stock: KeyStock,
  lines: readonly KeyLine[],
  policy: KeyPolicy,
): KeyRotationDecision {
  const mayAt = Math.max(...lines.map((line) => mayRotateAt(stock, line, policy)))
  return stock.readAt < mayAt
    ? { kind: 'too-early', mayAt, waitMs: mayAt - stock.readAt }
    : { kind: 'may-rotate' }
}

function mayRotateAt(stock: KeyStock, line: KeyLine, { publishedMsMin }: KeyPolicy): number {
  return Math.max(pendingSince(stock, line) + publishedMsMin, roomAt(stock, line))
}

/** A line without a pending key gets one now at the earliest. */
function pendingSince(stock: KeyStock, line: KeyLine): number {
  const pending = stock.keys.find((key) => key.state === 'pending' && isOfLine(key, line))
  return pending?.createdAt ?? stock.readAt
}

/** With as many retiring keys as there may be, the first has to go before another one comes. */
function roomAt(stock: KeyStock, line: KeyLine): number {
  const retiring = stock.keys.filter((key) => key.state === 'retiring' && isOfLine(key, line))
  const deaths = retiring.map((key) => diesAt(key, stock)).toSorted((one, other) => one - other)
  return deaths.at(-retiringKeysMax) ?? 0
}

/** Those whose active key has been published so long that every copy of the key set in use has it. */
export function readyAlgorithms(
  stock: KeyStock,
  { publishedMsMin }: KeyPolicy,
): ReadonlySet<AlgorithmName> {
  const ready = stock.keys.filter(
    ({ purpose, state, createdAt }) =>
      purpose === 'access-token' &&
      state === 'active' &&
      stock.readAt - createdAt >= publishedMsMin,
  )
  return new Set(ready.map(({ algorithm }) => algorithm))
}

/** The lines whose active key has reached its age and whose pending key is ready. */
export function linesDue(stock: KeyStock, policy: KeyPolicy): readonly KeyLine[] {
  return stock.keys
    .filter((key) => key.state === 'active')
    .filter((key) => stock.readAt - (key.activatedAt ?? key.createdAt) >= policy.activeMsMax)
    .filter((key) => decideKeyRotation(stock, [key], policy).kind === 'may-rotate')
    .map(lineOf)
}

/** The lines that have keys, among them those of algorithms that no audience uses any more. */
export function linesOf(stock: KeyStock): readonly KeyLine[] {
  return stock.keys.filter(({ state }) => state === 'active').map(lineOf)
}

/** The retiring keys of which no token is alive any more. */
export function deadKeys(stock: KeyStock): readonly KeyFacts[] {
  return stock.keys.filter((key) => key.state === 'retiring' && stock.readAt >= diesAt(key, stock))
}

function diesAt(key: KeyFacts, { accessTokenSecondsMax }: KeyStock): number {
  const tokenMsMax = (accessTokenSecondsMax ?? accessTokenSecondsLongest) * 1000
  return (key.retiredAt ?? key.createdAt) + tokenMsMax + retiringMarginMs
}

/** What becomes of a key if nobody steps in. Times are milliseconds since 1970, by the store's clock. */
export interface KeyProspect {
  /** Of a pending key: it signs from then on at the earliest. */
  readonly maySignAt?: number
  /** Of an active key: when the next one follows it. */
  readonly rotatesAt?: number
  /** Of a retiring key: when it is destroyed. */
  readonly keptUntil?: number
}

/** By kid. */
export type KeyProspects = ReadonlyMap<string, KeyProspect>

export function prospectsOf(stock: KeyStock, policy: KeyPolicy): KeyProspects {
  return new Map(stock.keys.map((key) => [key.kid, prospectOf(key, stock, policy)]))
}

function prospectOf(key: KeyFacts, stock: KeyStock, policy: KeyPolicy): KeyProspect {
  const maySignAt = mayRotateAt(stock, key, policy)
  switch (key.state) {
    case 'pending':
      return { maySignAt }
    case 'active': {
      const isOldAt = (key.activatedAt ?? key.createdAt) + policy.activeMsMax
      return { rotatesAt: Math.max(isOldAt, maySignAt) }
    }
    case 'retiring':
      return { keptUntil: diesAt(key, stock) }
    case 'destroyed':
    case 'withdrawn':
      return {}
  }
}

/** What is missing for one active and one pending key on each line. */
export function placesMissing(stock: KeyStock, wanted: readonly KeyLine[]): readonly KeyPlace[] {
  return wanted.flatMap(({ purpose, algorithm }) =>
    (['active', 'pending'] as const)
      .map((state) => ({ purpose, algorithm, state }))
      .filter(
        (place) => !stock.keys.some((key) => key.state === place.state && isOfLine(key, place)),
      ),
  )
}

function lineOf({ purpose, algorithm }: KeyLine): KeyLine {
  return { purpose, algorithm }
}

function isOfLine(key: KeyLine, line: KeyLine): boolean {
  return key.purpose === line.purpose && key.algorithm === line.algorithm
}
