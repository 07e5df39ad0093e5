import { isJsonObject } from '@portcullis/protocol'
import type { AlgorithmName, VerificationKey } from '@portcullis/protocol/jws'
import {
  algorithms,
  isAlgorithmName,
  kidCharactersMax,
  sharedSecretAlgorithm,
  sharedSecretBytesMin,
  sharedSecretKey,
  sharedSecretKid,
} from '@portcullis/protocol/jws'
import type { TokenExpectation } from './access-token.ts'
import {
  demand,
  maxStalenessRange,
  rejectUnknown,
  requireClock,
  requireExactUrl,
  requireFunction,
  requireObject,
  requireText,
  requireWhole,
} from './option-checks.ts'
import type { ProofJudge } from './dpop/proof-judge.ts'
import type { EventReceiver } from './events/event-receiver.ts'
import type { ClientCredential } from './issuer/client-credential.ts'
import type { Fetch } from './issuer/http-json.ts'
import type { TokenDecrypter } from './jwe.ts'
import type { OwnClaimsCheck, StandardSchemaV1 } from './own-claims.ts'
import { createOwnClaimsCheck } from './own-claims.ts'
import type { BrokeredFeed } from './revocation/brokered-feed.ts'
import type { NewRevocation } from './revocation/news.ts'
import type { VerifierWarning, Warn } from './warnings.ts'
import { processWarning } from './warnings.ts'

/** `Own`: what the schema `claims` answers. */
export interface VerifierOptions<Own = undefined> {
  /** The issuer's identifier, exactly as its tokens carry it: https, or http on loopback. */
  readonly issuer: string
  /** This service's name among the token's audiences, compared exactly. */
  readonly audience: string
  /**
   * The service's own credential, which reads the revocation feed (scope `revocations.read`). Not
   * needed where the feed is open: an issuer on loopback, in development.
   */
  readonly client?: ClientCredential
  /**
   * Default RS256, ES256, EdDSA and PS256; RS384, RS512, PS384, PS512, ES384, ES512 and Ed25519 may be
   * named. `none` cannot. `['HS256']`, alone and together with `sharedSecret`, is for an issuer that shares a
   * secret with this one service: whoever can verify with it can also mint.
   */
  readonly algorithms?: readonly AlgorithmName[] | readonly ['HS256']
  /**
   * The secret of `['HS256']`, 32 bytes or more, or several while it is rolled. No key set is fetched for it. A
   * checkpoint lists the kids of the secrets that live, and where the feed is lost they are good for 15 minutes more.
   */
  readonly sharedSecret?: SharedSecret | readonly SharedSecret[]
  /**
   * A Standard Schema (zod, valibot, arktype and others) for claims of your own, which may be asynchronous.
   * It sees a copy of the claims of a token that was verified; what it makes of them is `own` in the
   * answer, and is remembered with the token: it is NOT asked again at every request, so it is no place
   * to look up what may change. What it throws goes through.
   */
  readonly claims?: StandardSchemaV1<unknown, Own>
  /** Takes tokens that are bound to a key: `createProofJudge()` of `@portcullis/verify/dpop`. Default: refused. */
  readonly dpop?: ProofJudge
  /**
   * Takes encrypted tokens, and refuses those that are only signed: `createDecrypter({ keys })` of
   * `@portcullis/verify/jwe`. Default: encrypted tokens are refused.
   */
  readonly decryption?: TokenDecrypter
  /**
   * Default: the issuer's revocation feed is followed. `untilExpiry` is for plain JWT issuers: a token
   * then counts until its `exp`, whatever is revoked.
   */
  readonly revocation?: 'untilExpiry' | RevocationOptions
  /**
   * Called once for each batch of new revocations that was applied: end the sockets and jobs of those
   * it affects. What it throws changes nothing, and is told to `onWarning`. With `revocation: 'untilExpiry'` and without `events` it would
   * never be called, so it is a mistake there.
   */
  readonly onRevoked?: (revocation: NewRevocation) => void
  /**
   * Takes back what the issuer says by webhook (Shared Signals), too: `createEventReceiver()` of
   * `@portcullis/verify/events`. For issuers without a feed, such as partners: a webhook that is lost bounds nothing.
   */
  readonly events?: EventReceiver
  /**
   * For clocks that disagree, on `exp`, `nbf` and `iat`. Default 5, at most 60. Does NOT make a revoked
   * token live longer: for the feed, clocks may be 5 s apart and no more.
   */
  readonly leewaySeconds?: number
  /** The longest `exp - iat` that is believed. Default 3600, at most 86,400. */
  readonly lifetimeSecondsMax?: number
  /**
   * What tokens that were seen before may take up, so that their signature is checked once: default
   * 33,554,432 (some 10,000 tokens), 0 for none, at most 2³⁰; there are 32,768 of them at most. What
   * `claims` makes of a token is not counted. Expiry, revocation and freshness are judged at every request.
   */
  readonly tokenCacheBytesMax?: number
  /**
   * A file in which the last good key set is kept, so that a service that starts while the issuer is
   * down has its keys: for 15 minutes after the issuer was last asked for them. One file for each
   * issuer, in a folder where nobody else may write. It is only a cache: what is wrong with it fails no
   * request and is told by a warning. Default none.
   */
  readonly keySetFile?: string
  /**
   * Told what an operator should look at: files that cannot be used, a feed that brings what its issuer has
   * not signed, and one that is lost for longer than `maxStalenessSeconds`, once a minute at most. What it throws
   * changes nothing. Default `process.emitWarning`.
   */
  readonly onWarning?: (warning: VerifierWarning) => void
  /** Default the global `fetch`. Used for the issuer's own addresses, and that of a relay, only. */
  readonly fetch?: Fetch
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number
}

/** How the revocation feed is followed, and what counts when it is silent. */
export interface RevocationOptions {
  /**
   * How old the issuer's last word may be, in seconds: 3 to 3600, default 30. A revoked token is
   * refused everywhere this long after its revocation at the latest, whatever happens to the network.
   */
  readonly maxStalenessSeconds?: number
  /**
   * What happens to a token that nobody has vouched for since: `refuse` (default), or `accept`, which
   * gives up the bound and keeps only what is known already.
   */
  readonly whenStale?: 'refuse' | 'accept'
  /**
   * A file in which the revocations are kept that are known, so that a service that starts while the issuer is
   * down refuses them at once, and goes on from there when it is up. One file for each issuer, in a folder where
   * nobody else may write. It vouches for nothing, and what is wrong with it fails no request and is told by a
   * warning. Default none.
   */
  readonly stateFile?: string
  /**
   * The address of a relay of the feed (`portcullis relay`): https, or http on loopback. It is read there for as
   * long as that goes well, and at the issuer otherwise. It need not be trusted: it can keep back what the issuer
   * says, which the bound bounds, and can neither add to it nor leave anything out. It sees the token that this
   * service reads the feed with. Default none.
   */
  readonly relay?: string
  /**
   * The feed over a message broker: `createJetStreamFeed({ connection })` of `@portcullis/verify/nats`. It is read there
   * as at a relay, and needs no more trust. Not together with `relay`. Default none.
   */
  readonly broker?: BrokeredFeed
  /**
   * What the operator of the issuer sees this follower as, beside the version of the SDK: up to 32 of `a-z`, `0-9` and
   * `-`. Default `verify`.
   */
  readonly software?: string
}

/** The same, checked. */
export interface RevocationSettings {
  readonly maxStalenessSeconds: number
  readonly whenStale: 'refuse' | 'accept'
  readonly stateFile: string | undefined
  readonly relay: string | undefined
  readonly broker: BrokeredFeed | undefined
  readonly software: string
}

/** What an issuer and this one service share for HS256. */
export interface SharedSecret {
  /** What tokens name it by. Default: its RFC 7638 thumbprint, by which our issuer names it. */
  readonly kid?: string
  readonly secret: Uint8Array
}

export interface VerifierSettings<Own> {
  readonly expected: TokenExpectation
  readonly sharedKeys: readonly VerificationKey[] | undefined
  readonly checkOwnClaims: OwnClaimsCheck<Own>
  readonly dpop: ProofJudge | undefined
  readonly decryption: TokenDecrypter | undefined
  /** Undefined when revocation is not followed. */
  readonly revocation: RevocationSettings | undefined
  readonly onRevoked: ((revocation: NewRevocation) => void) | undefined
  readonly events: EventReceiver | undefined
  readonly client: ClientCredential | undefined
  readonly tokenCacheBytesMax: number
  readonly keySetFile: string | undefined
  /** Throws nothing. */
  readonly onWarning: Warn
  readonly fetch: Fetch
  readonly now: () => number
}

const algorithmsDefault: readonly AlgorithmName[] = ['RS256', 'ES256', 'EdDSA', 'PS256']
const leewaySecondsDefault = 5
const lifetimeSecondsDefault = 3_600
const maxStalenessSecondsDefault = 30
const tokenCacheBytesDefault = 2 ** 25
const leewayRange = { min: 0, max: 60, unit: 'seconds' }
const lifetimeRange = { min: 1, max: 86_400, unit: 'seconds' }
const tokenCacheRange = { min: 0, max: 2 ** 30, unit: 'bytes' }

/** Checks and copies the options. A name or value that is not expected is a TypeError naming it. */
export function parseOptions<Own>(options: VerifierOptions<Own>): VerifierSettings<Own> {
  requireObject(options, 'options')
  const {
    issuer,
    audience,
    client,
    algorithms: names = algorithmsDefault,
    sharedSecret,
    claims,
    dpop,
    decryption,
    revocation = {},
    onRevoked,
    events,
    leewaySeconds = leewaySecondsDefault,
    lifetimeSecondsMax = lifetimeSecondsDefault,
    tokenCacheBytesMax = tokenCacheBytesDefault,
    keySetFile,
    onWarning = processWarning,
    fetch = globalThis.fetch,
    now = Date.now,
    ...unknown
  } = options
  rejectUnknown(unknown)
  const isUsed = sharedSecret === undefined || keySetFile === undefined
  demand(isUsed, 'keySetFile', 'would never be used with "sharedSecret"')
  return {
    expected: Object.freeze({
      issuer: requireExactUrl(issuer, 'issuer'),
      audience: requireText(audience, 'audience'),
      algorithms: requireAlgorithms(names, sharedSecret),
      leewaySeconds: requireWhole(leewaySeconds, 'leewaySeconds', leewayRange),
      lifetimeSecondsMax: requireWhole(lifetimeSecondsMax, 'lifetimeSecondsMax', lifetimeRange),
    }),
    sharedKeys: sharedSecret && [sharedSecret].flat().map(requireSharedSecret),
    checkOwnClaims: requireOwnClaims(claims),
    dpop: requireProofJudge(dpop),
    decryption: requireDecrypter(decryption),
    revocation: requireRevocation(revocation),
    onRevoked: requireOnRevoked(onRevoked, revocation !== 'untilExpiry' || events !== undefined),
    events: requireEvents(events, sharedSecret),
    client: client === undefined ? undefined : requireClient(client),
    tokenCacheBytesMax: requireWhole(tokenCacheBytesMax, 'tokenCacheBytesMax', tokenCacheRange),
    keySetFile: keySetFile === undefined ? undefined : requireText(keySetFile, 'keySetFile'),
    onWarning: requireOnWarning(onWarning),
    fetch: requireFunction(fetch, 'fetch'),
    now: requireClock(now),
  }
}

function requireAlgorithms(value: unknown, secret: unknown): ReadonlySet<string> {
  const names: readonly unknown[] = Array.isArray(value) ? value : []
  if (secret !== undefined) {
    const isAlone = names.length === 1 && names[0] === sharedSecretAlgorithm
    demand(isAlone, 'sharedSecret', `needs "algorithms" ['HS256'], and no other`)
    return new Set([sharedSecretAlgorithm])
  }
  const known = [...algorithms.keys()].join(', ')
  const rule = `must be a list of some of ${known}, or ['HS256'] with "sharedSecret"`
  demand(names.length > 0 && names.every(isAlgorithmName), 'algorithms', rule)
  return new Set(names)
}

function requireSharedSecret(value: SharedSecret): VerificationKey {
  requireObject(value, 'option "sharedSecret"')
  const { secret, kid, ...unknown } = value
  rejectUnknown(unknown, 'sharedSecret.')
  const isSecret = secret instanceof Uint8Array && secret.length >= sharedSecretBytesMin
  const rule = `must be a Uint8Array of ${sharedSecretBytesMin} bytes or more`
  demand(isSecret, 'sharedSecret.secret', rule)
  return sharedSecretKey(requireKid(kid ?? sharedSecretKid(secret)), secret)
}

function requireKid(kid: string): string {
  const option = 'sharedSecret.kid'
  const isShort = requireText(kid, option).length <= kidCharactersMax
  demand(isShort, option, `must be ${kidCharactersMax} characters or fewer`)
  return kid
}

/** Without a schema `Own` is undefined; TypeScript cannot tell that from here. */
function requireOwnClaims<Own>(
  schema: StandardSchemaV1<unknown, Own> | undefined,
): OwnClaimsCheck<Own> {
  if (schema !== undefined) return createOwnClaimsCheck(schema)
  const nothing = { kind: 'ok', own: undefined as Own, isFrozen: true } as const
  return () => nothing
}

function requireProofJudge(value: ProofJudge | undefined): ProofJudge | undefined {
  if (value === undefined) return value
  const isJudge = typeof value?.judge === 'function' && Array.isArray(value.algorithms)
  const isUsable = isJudge && value.algorithms.length > 0
  demand(isUsable, 'dpop', 'must be what createProofJudge has answered')
  return value
}

function requireDecrypter(value: TokenDecrypter | undefined): TokenDecrypter | undefined {
  const isUsable = value === undefined || typeof value?.open === 'function'
  demand(isUsable, 'decryption', 'must be what createDecrypter has answered')
  return value
}

function requireRevocation(value: unknown): RevocationSettings | undefined {
  if (value === 'untilExpiry') return undefined
  demand(isJsonObject(value), 'revocation', 'must be "untilExpiry" or an object')
  const {
    maxStalenessSeconds = maxStalenessSecondsDefault,
    whenStale = 'refuse',
    stateFile,
    relay,
    broker,
    software = 'verify',
    ...unknown
  }: RevocationOptions = value
  rejectUnknown(unknown, 'revocation.')
  const isKnown = whenStale === 'refuse' || whenStale === 'accept'
  demand(isKnown, 'revocation.whenStale', 'must be "refuse" or "accept"')
  const isBroker = broker === undefined || typeof broker?.streamWith === 'function'
  demand(isBroker, 'revocation.broker', 'must be what createJetStreamFeed has answered')
  const isOne = relay === undefined || broker === undefined
  demand(isOne, 'revocation.broker', 'would never be used with "revocation.relay"')
  const isName = /^[a-z0-9-]{1,32}$/.test(software)
  demand(isName, 'revocation.software', 'must fit [a-z0-9-]{1,32}')
  const option = 'revocation.maxStalenessSeconds'
  return {
    maxStalenessSeconds: requireWhole(maxStalenessSeconds, option, maxStalenessRange),
    whenStale,
    stateFile: stateFile === undefined ? undefined : requireText(stateFile, 'revocation.stateFile'),
    relay: relay === undefined ? undefined : requireExactUrl(relay, 'revocation.relay'),
    broker,
    software,
  }
}

function requireOnRevoked(
  value: VerifierOptions['onRevoked'],
  isCalled: boolean,
): VerifierSettings<unknown>['onRevoked'] {
  if (value === undefined) return undefined
  const rule = 'would never be called with "revocation" "untilExpiry", which follows no feed'
  demand(isCalled, 'onRevoked', rule)
  return requireFunction(value, 'onRevoked')
}

function requireEvents(
  value: EventReceiver | undefined,
  secret: unknown,
): EventReceiver | undefined {
  if (value === undefined) return value
  demand(
    typeof value?.bind === 'function',
    'events',
    'must be what createEventReceiver has answered',
  )
  demand(
    secret === undefined,
    'events',
    'needs keys that only the issuer has, and no "sharedSecret"',
  )
  return value
}

function requireOnWarning(value: Warn): Warn {
  requireFunction(value, 'onWarning')
  return (warning) => {
    try {
      void Promise.resolve(value(warning)).catch(() => undefined)
    } catch {
      return
    }
  }
}

function requireClient(value: ClientCredential): ClientCredential {
  requireObject(value, 'option "client"')
  const { id, secret, ...unknown } = value
  rejectUnknown(unknown, 'client.')
  return { id: requireText(id, 'client.id'), secret: requireText(secret, 'client.secret') }
}
