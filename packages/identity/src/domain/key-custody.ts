import { createPrivateKey, createPublicKey } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { AlgorithmName, PublicJwk, SigningKey } from '@portcullis/protocol/jws'
import { algorithmNamed, publicJwk } from '@portcullis/protocol/jws'
import type { KeyFacts, KeyLine, KeyPurpose } from './key-life.ts'
import type { Sealer } from './sealing.ts'

/** A key pair that no store has yet: the public half in the clear, the private half sealed. */
export interface NewKey extends KeyLine {
  readonly kid: string
  readonly publicJwk: PublicJwk
  readonly sealedPrivateKey: string
}

/** A signing key as it is kept. */
export interface StoredKey extends KeyFacts {
  readonly publicJwk: PublicJwk
  /** Undefined once the key is destroyed. */
  readonly sealedPrivateKey: string | undefined
}

export interface JwkSet {
  readonly keys: readonly PublicJwk[]
}

/** Opened keys. Only the active ones are held with their private halves. */
export interface HeldKeys {
  readonly kind: 'held'
  readonly facts: readonly KeyFacts[]
  readonly active: (line: KeyLine) => SigningKey | undefined
  readonly jwks: Readonly<Record<KeyPurpose, JwkSet>>
}

export interface UnopenableKey {
  readonly kind: 'unopenable'
  readonly kid: string
  readonly why: 'sealed-with-another-key' | 'damaged'
}

export function generateKey({ purpose, algorithm }: KeyLine, sealer: Sealer): NewKey {
  const { publicKey, privateKey } = algorithmNamed(algorithm).generateKeyPair()
  const jwk = publicJwk(publicKey, algorithm)
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const sealedPrivateKey = sealer.seal(pem, jwk.kid)
  return { kid: jwk.kid, purpose, algorithm, publicJwk: jwk, sealedPrivateKey }
}

/** Opens all of these keys, none of which may be destroyed, or says which one cannot be opened. */
export function openKeys(stored: readonly StoredKey[], sealer: Sealer): HeldKeys | UnopenableKey {
  const signingKeys: Record<KeyPurpose, Map<AlgorithmName, SigningKey>> = {
    'access-token': new Map(),
    feed: new Map(),
  }
  for (const key of stored) {
    const opened = openKey(key, sealer)
    if ('kind' in opened) return opened
    if (key.state === 'active') signingKeys[key.purpose].set(key.algorithm, opened)
  }
  const jwksOf = (purpose: KeyPurpose): JwkSet => ({
    keys: stored.filter((key) => key.purpose === purpose).map((key) => key.publicJwk),
  })
  return {
    kind: 'held',
    facts: stored,
    active: ({ purpose, algorithm }) => signingKeys[purpose].get(algorithm),
    jwks: { 'access-token': jwksOf('access-token'), feed: jwksOf('feed') },
  }
}

/** Opens a retiring key too: its public half is published, so it has to be ours. */
function openKey(key: StoredKey, sealer: Sealer): SigningKey | UnopenableKey {
  const { kid, algorithm, sealedPrivateKey } = key
  if (sealedPrivateKey === undefined) return { kind: 'unopenable', kid, why: 'damaged' }
  const opened = sealer.open(sealedPrivateKey, kid)
  if (opened.kind !== 'opened') return { kind: 'unopenable', kid, why: opened.kind }
  const privateKey = createPrivateKey(opened.plaintext)
  // The public half is not sealed. Another key in its place would let a stranger sign for us.
  return isDeepStrictEqual(key.publicJwk, publicJwk(createPublicKey(privateKey), algorithm))
    ? { kid, algorithm, privateKey }
    : { kind: 'unopenable', kid, why: 'damaged' }
}
