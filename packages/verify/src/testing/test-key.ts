import type { Buffer } from 'node:buffer'
import type { KeyObject } from 'node:crypto'
import type { AlgorithmName, PublicJwk } from '@portcullis/protocol/jws'
import { algorithmNamed, publicJwk } from '@portcullis/protocol/jws'

/** A key pair of the testing issuer, and the JWK that stands for it in the key set. */
export interface TestKey {
  readonly kid: string
  readonly algorithm: AlgorithmName
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
  readonly jwk: PublicJwk
  /** In the place of the private key, where that is elsewhere. */
  readonly sign?: (algorithm: AlgorithmName, signingInput: string) => Buffer
}

export function generateTestKey(algorithm: AlgorithmName): TestKey {
  const { publicKey, privateKey } = algorithmNamed(algorithm).generateKeyPair()
  const jwk = publicJwk(publicKey, algorithm)
  return { kid: jwk.kid, algorithm, publicKey, privateKey, jwk }
}

/** The signing keys of the testing issuer. */
export interface TestKeyRing {
  readonly current: () => TestKey
  /** All that live, the waiting one included. */
  readonly kids: () => readonly string[]
  readonly keySetText: () => string
  readonly rotate: () => void
  readonly withdraw: (kid: string) => void
  /** From now on this is the key set: a text as it is, anything else as JSON. */
  readonly publish: (document: unknown) => void
}

export function createTestKeyRing(algorithm: AlgorithmName): TestKeyRing {
  let current = generateTestKey(algorithm)
  let published: readonly TestKey[] = [current]
  /** Waits, as it does at every issuer, so that no follower of the feed is surprised by it. */
  let next: TestKey | undefined
  let replacement: unknown

  return {
    current: () => current,
    kids: () => {
      next ??= generateTestKey(algorithm)
      return [...published, next].map(({ kid }) => kid)
    },
    keySetText: () => {
      const document = replacement ?? { keys: published.map((key) => key.jwk) }
      return typeof document === 'string' ? document : JSON.stringify(document)
    },
    rotate: () => {
      current = next ?? generateTestKey(algorithm)
      next = undefined
      published = [...published, current]
    },
    withdraw: (kid) => {
      published = published.filter((key) => key.kid !== kid)
    },
    publish: (document) => {
      replacement = document
    },
  }
}
