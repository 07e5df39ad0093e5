import type { AccessTokenClaims, JsonObject } from '@portcullis/protocol'
import { accessTokenType } from '@portcullis/protocol'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { HeldKey, HeldKeys, JwkSet, UnopenableKey } from './key-custody.ts'
import type { KeyFacts, KeyLine, KeyProspects } from './key-life.ts'
import { keyPolicy, prospectsOf } from './key-life.ts'
import type { KeyStore, RotatedKeys, RotateKeys, UpkeepOutcome } from './key-upkeep.ts'
import { createKeyUpkeep } from './key-upkeep.ts'
import type { KeyKeeping, SignWithKey } from './key-opening.ts'
import type { KeyWithdrawalOutcome, WithdrawKey } from './key-withdrawal.ts'
import { SignerUnavailableError } from './signer-unavailable.ts'

/** Holds the private keys. They come in sealed and never leave it, or they stay in a vault and never come in. */
export interface Keyring {
  /**
   * Signs claims as an `at+jwt` (RFC 9068 section 2.1). Rejects with a `SignerUnavailableError` when it cannot at the
   * moment.
   */
  readonly sign: (claims: AccessTokenClaims, algorithm: AlgorithmName) => Promise<string>
  /** Whether every copy of the key set that is in use has the key that signs with this algorithm. */
  readonly isReady: (algorithm: AlgorithmName) => boolean
  /** The first of these that is ready, or else the last: whoever names only one wants it at once. */
  readonly firstReady: (algorithms: readonly AlgorithmName[]) => AlgorithmName
  /** Signs a document of the revocation feed with the active feed key. */
  readonly signCheckpoint: (payload: JsonObject, typ: string) => Promise<string>
  /**
   * Signs a token of another type with the RS256 key of the key set, which there always is. It gives way to tokens and
   * checkpoints.
   */
  readonly signDocument: (payload: JsonObject, typ: string) => Promise<string>
  /** The public halves of all keys for access tokens that are not destroyed (RFC 7517). */
  readonly publicJwks: () => JwkSet
  /** The same for the keys of the feed, none of which is in the other set. */
  readonly publicFeedJwks: () => JwkSet
  /** Those that sign at present: one for each purpose and algorithm. */
  readonly activeKeys: () => readonly KeyFacts[]
  /** All keys there ever were, oldest first, without their halves. */
  readonly list: () => Promise<readonly KeyFacts[]>
  /** What becomes of those that are not destroyed, if nobody steps in. */
  readonly prospects: () => Promise<KeyProspects>
  /** Rotates now. Refuses, and changes nothing, while a key that would sign is too young. */
  readonly rotate: (request?: RotateKeys) => Promise<RotatedKeys>
  /** Takes a key out of use for good, whatever its state, because its private half may be known to others. */
  readonly withdraw: (request: WithdrawKey) => Promise<KeyWithdrawalOutcome>
  /**
   * To be called every second: follows what other processes did, rotates what has reached its age,
   * destroys what is dead. When a key cannot be opened, the keys held before stay in use.
   */
  readonly tick: () => Promise<UpkeepOutcome>
}

export interface KeyringParts extends KeyKeeping {
  readonly keys: KeyStore
  readonly jwksMaxAgeSeconds: number
  readonly keyRotationDays: number
  /** The kids of secrets that are shared with a service: they live as the keys do, and are kept elsewhere. */
  readonly sharedKids: readonly string[]
}

export type OpenedKeyring = { readonly kind: 'keyring'; readonly keyring: Keyring } | UnopenableKey

/** The feed has this one algorithm. */
const feedLine: KeyLine = { purpose: 'feed', algorithm: 'ES256' }

/** Opens the stored keys, and makes those that are missing for the wanted algorithms and the feed. */
export async function openKeyring(
  parts: KeyringParts,
  wanted: ReadonlySet<AlgorithmName>,
): Promise<OpenedKeyring> {
  const { keys, sealer, vault } = parts
  const lines = [...[...wanted].map(accessTokenLine), feedLine]
  const policy = keyPolicy(parts)
  const upkeep = createKeyUpkeep({ keys, sealer, vault, policy, wanted: lines })
  const first = await upkeep.keepUp()
  if (first.kind === 'unopenable') return first
  await keys.declareSharedKids(parts.sharedKids)
  const { held, isReady, rotate, withdraw, keepUp } = upkeep
  const keyring: Keyring = {
    sign: async (claims, algorithm) =>
      signJws(claims, accessTokenType, signedNow(held(), accessTokenLine(algorithm))),
    isReady,
    firstReady: (algorithms) => {
      const chosen = algorithms.find(isReady) ?? algorithms.at(-1)
      if (chosen === undefined) throw new TypeError('a token needs an algorithm')
      return chosen
    },
    signCheckpoint: async (payload, typ) => signJws(payload, typ, signedNow(held(), feedLine)),
    signDocument: async (payload, typ) => {
      const key = activeKey(held(), accessTokenLine('RS256'))
      return signJws(payload, typ, { key, sign: key.signAside })
    },
    publicJwks: () => held().jwks['access-token'],
    publicFeedJwks: () => held().jwks.feed,
    activeKeys: () => held().keys.filter(({ state }) => state === 'active'),
    list: keys.list,
    prospects: async () => prospectsOf(await keys.readStock(), policy),
    rotate,
    withdraw,
    tick: keepUp,
  }
  return { kind: 'keyring', keyring }
}

function accessTokenLine(algorithm: AlgorithmName): KeyLine {
  return { purpose: 'access-token', algorithm }
}

function activeKey(held: HeldKeys, line: KeyLine): HeldKey {
  const key = held.active(line)
  if (key !== undefined) return key
  throw new SignerUnavailableError(`the keyring has no key for ${line.algorithm}`)
}

interface Signing {
  readonly key: Pick<HeldKey, 'algorithm' | 'kid'>
  readonly sign: SignWithKey
}

function signedNow(held: HeldKeys, line: KeyLine): Signing {
  const key = activeKey(held, line)
  return { key, sign: key.sign }
}

/** A compact JWS with the header `{alg, typ, kid}` and nothing else in it. */
async function signJws(payload: JsonObject, typ: string, { key, sign }: Signing): Promise<string> {
  const header = { alg: key.algorithm, typ, kid: key.kid }
  const signingInput = `${encodePart(header)}.${encodePart(payload)}`
  const signed = sign(signingInput)
  // A key that is at hand signs at once, and nothing is waited for.
  const signature = signed instanceof Promise ? await signed : signed
  return `${signingInput}.${Buffer.from(signature).toString('base64url')}`
}

function encodePart(part: JsonObject): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
