import type { JsonObject } from '@portcullis/protocol'
import { accessTokenType } from '@portcullis/protocol'
import type { AlgorithmName, SigningKey } from '@portcullis/protocol/jws'
import { signCompactJws } from '@portcullis/protocol/jws'
import type { SignAccessToken } from './access-tokens.ts'
import type { HeldKeys, JwkSet, UnopenableKey } from './key-custody.ts'
import type { KeyFacts, KeyLine } from './key-life.ts'
import { keyPolicy } from './key-life.ts'
import type { KeyStore, RotatedKeys, RotateKeys, UpkeepOutcome } from './key-upkeep.ts'
import { createKeyUpkeep } from './key-upkeep.ts'
import type { Sealer } from './sealing.ts'

/** Holds the private keys. They come in sealed and never leave it. */
export interface Keyring {
  readonly sign: SignAccessToken
  /** Signs a document of the revocation feed with the active feed key. */
  readonly signCheckpoint: (payload: JsonObject, typ: string) => string
  /** The public halves of all keys for access tokens that are not destroyed (RFC 7517). */
  readonly publicJwks: () => JwkSet
  /** The same for the keys of the feed, none of which is in the other set. */
  readonly publicFeedJwks: () => JwkSet
  /** All keys there ever were, oldest first, without their halves. */
  readonly list: () => Promise<readonly KeyFacts[]>
  /** Rotates now. Refuses, and changes nothing, while a key that would sign is too young. */
  readonly rotate: (request?: RotateKeys) => Promise<RotatedKeys>
  /**
   * To be called every second: follows what other processes did, rotates what has reached its age,
   * destroys what is dead. When a key cannot be opened, the keys held before stay in use.
   */
  readonly tick: () => Promise<UpkeepOutcome>
}

export interface KeyringParts {
  readonly keys: KeyStore
  readonly sealer: Sealer
  readonly jwksMaxAgeSeconds: number
  readonly keyRotationDays: number
}

export type OpenedKeyring = { readonly kind: 'keyring'; readonly keyring: Keyring } | UnopenableKey

/** The feed has this one algorithm. */
const feedLine: KeyLine = { purpose: 'feed', algorithm: 'ES256' }

/** Opens the stored keys, and makes those that are missing for the wanted algorithms and the feed. */
export async function openKeyring(
  parts: KeyringParts,
  wanted: ReadonlySet<AlgorithmName>,
): Promise<OpenedKeyring> {
  const { keys, sealer } = parts
  const lines = [...[...wanted].map(accessTokenLine), feedLine]
  const upkeep = createKeyUpkeep({ keys, sealer, policy: keyPolicy(parts), wanted: lines })
  const first = await upkeep.keepUp()
  if (first.kind === 'unopenable') return first
  const { held, rotate, keepUp } = upkeep
  const keyring: Keyring = {
    sign: (claims, algorithm) =>
      signCompactJws(claims, accessTokenType, activeKey(held(), accessTokenLine(algorithm))),
    signCheckpoint: (payload, typ) => signCompactJws(payload, typ, activeKey(held(), feedLine)),
    publicJwks: () => held().jwks['access-token'],
    publicFeedJwks: () => held().jwks.feed,
    list: keys.list,
    rotate,
    tick: keepUp,
  }
  return { kind: 'keyring', keyring }
}

function accessTokenLine(algorithm: AlgorithmName): KeyLine {
  return { purpose: 'access-token', algorithm }
}

function activeKey(held: HeldKeys, line: KeyLine): SigningKey {
  const key = held.active(line)
  if (key === undefined) throw new TypeError(`the keyring has no key for ${line.algorithm}`)
  return key
}
