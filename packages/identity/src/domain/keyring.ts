import { createPrivateKey, createPublicKey } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { JsonObject } from '@portcullis/protocol'
import type { AlgorithmName, PublicJwk, SigningKey } from '@portcullis/protocol/jws'
import { algorithmNamed, publicJwk, signCompactJws } from '@portcullis/protocol/jws'
import type { SignAccessToken } from './access-tokens.ts'
import type { Sealer } from './sealing.ts'

/** A signing key as it is kept: the public half in the clear, the private half sealed. */
export interface StoredKey {
  readonly kid: string
  readonly algorithm: AlgorithmName
  readonly publicJwk: PublicJwk
  readonly sealedPrivateKey: string
  readonly createdAt: number
}

export interface KeyStore {
  readonly list: () => Promise<readonly StoredKey[]>
  /**
   * Keeps the key unless there is one for its algorithm by now, and returns all keys: nodes that
   * start together agree on one.
   */
  readonly insertFirst: (key: StoredKey) => Promise<readonly StoredKey[]>
}

/** Holds the private keys. They come in sealed and never leave it. */
export interface Keyring {
  readonly sign: SignAccessToken
  readonly publicJwks: () => { readonly keys: readonly PublicJwk[] }
  readonly publicFeedJwks: () => { readonly keys: readonly PublicJwk[] }
  readonly signCheckpoint: (payload: JsonObject, typ: string) => string
}

export interface KeyringParts {
  readonly keys: KeyStore
  readonly sealer: Sealer
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export type OpenedKeyring =
  | { readonly kind: 'keyring'; readonly keyring: Keyring }
  | {
      readonly kind: 'unopenable'
      readonly kid: string
      readonly why: 'sealed-with-another-key' | 'damaged'
    }

const accessTokenType = 'at+jwt'

/** Opens the stored keys, and makes the first one for each algorithm that has none. */
export async function openKeyring(
  { keys, sealer, now }: KeyringParts,
  wanted: ReadonlySet<AlgorithmName>,
): Promise<OpenedKeyring> {
  let stored = await keys.list()
  for (const algorithm of wanted) {
    if (!stored.some((key) => key.algorithm === algorithm)) {
      stored = await keys.insertFirst(generateKey(algorithm, sealer, now()))
    }
  }
  const signingKeys = new Map<AlgorithmName, SigningKey>()
  for (const key of stored) {
    const { kid, algorithm } = key
    const opened = sealer.open(key.sealedPrivateKey, kid)
    if (opened.kind !== 'opened') return { kind: 'unopenable', kid, why: opened.kind }
    const privateKey = createPrivateKey(opened.plaintext)
    // The public half is not sealed. Another key in its place would let a stranger sign for us.
    if (!isDeepStrictEqual(key.publicJwk, publicJwk(createPublicKey(privateKey), algorithm))) {
      return { kind: 'unopenable', kid, why: 'damaged' }
    }
    signingKeys.set(algorithm, { kid, algorithm, privateKey })
  }
  const pair = algorithmNamed('ES256').generateKeyPair()
  const feedJwk = publicJwk(pair.publicKey, 'ES256')
  const feedJwks = { keys: [feedJwk] }
  const feedKey: SigningKey = { kid: feedJwk.kid, algorithm: 'ES256', privateKey: pair.privateKey }
  const signCheckpoint = (payload: JsonObject, typ: string): string =>
    signCompactJws(payload, typ, feedKey)
  const jwks = { keys: stored.map((key) => key.publicJwk) }
  return {
    kind: 'keyring',
    keyring: {
      sign: signWith(signingKeys),
      publicJwks: () => jwks,
      publicFeedJwks: () => feedJwks,
      signCheckpoint,
    },
  }
}

function signWith(signingKeys: ReadonlyMap<AlgorithmName, SigningKey>): SignAccessToken {
  return (claims, algorithm) => {
    const key = signingKeys.get(algorithm)
    if (key === undefined) throw new TypeError(`the keyring has no key for ${algorithm}`)
    return signCompactJws(claims, accessTokenType, key)
  }
}

function generateKey(algorithm: AlgorithmName, sealer: Sealer, createdAt: number): StoredKey {
  const { publicKey, privateKey } = algorithmNamed(algorithm).generateKeyPair()
  const jwk = publicJwk(publicKey, algorithm)
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  return {
    kid: jwk.kid,
    algorithm,
    publicJwk: jwk,
    sealedPrivateKey: sealer.seal(pem, jwk.kid),
    createdAt,
  }
}
