import type { KeyObject } from 'node:crypto'
import { createPrivateKey, createPublicKey, sign as signByCallback } from 'node:crypto'
import { isDeepStrictEqual, promisify } from 'node:util'
import type { AlgorithmName, PublicJwk } from '@portcullis/protocol/jws'
import { algorithmNamed, parsePublicKey, publicJwk } from '@portcullis/protocol/jws'
import type { KeyLine } from './key-life.ts'
import type { KeyVault } from './key-vault.ts'
import type { Sealer } from './sealing.ts'
import { SignerUnavailableError } from './signer-unavailable.ts'

/** Where private halves are: sealed in the store, or in a vault. A store may have some of both. */
export interface KeyKeeping {
  readonly sealer: Sealer
  /** Makes all new keys when there is one. */
  readonly vault?: KeyVault | undefined
}

/** A key pair that no store has yet. */
export interface NewKey extends KeyLine {
  readonly kid: string
  readonly publicJwk: PublicJwk
  /** The sealed private half, or what the vault has answered in its place. */
  readonly kept: string
}

/** Signs with one key. At once, unless the key is in a vault. */
export type SignWithKey = (signingInput: string) => Uint8Array | Promise<Uint8Array>

export interface OpenedSigner {
  readonly sign: SignWithKey
  /**
   * For what nobody waits for, and there may be a thousand of. RS256, which takes most of a millisecond, is signed in a
   * thread that gives way to the event loop.
   */
  readonly signAside: SignWithKey
}

export type OpenedKey =
  | (OpenedSigner & { readonly kind: 'opened' })
  | {
      readonly kind: 'unopenable'
      readonly why: 'sealed-with-another-key' | 'damaged' | 'in-a-vault' | 'vault-failed'
      readonly cause?: unknown
    }

/** Tells what a vault keeps from what is sealed, which begins with the format of the seal. */
export const vaultMark = 'vault.'

export async function generateKey(
  { purpose, algorithm }: KeyLine,
  { sealer, vault }: KeyKeeping,
): Promise<NewKey> {
  if (vault !== undefined) {
    const made = await vault.generate({ purpose, algorithm })
    const jwk = publicJwk(fitPublicKey(made.publicKey, algorithm), algorithm)
    const kept = `${vaultMark}${made.kept}`
    return { kid: jwk.kid, purpose, algorithm, publicJwk: jwk, kept }
  }
  const { publicKey, privateKey } = algorithmNamed(algorithm).generateKeyPair()
  const jwk = publicJwk(publicKey, algorithm)
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const kept = sealer.seal(pem, jwk.kid)
  return { kid: jwk.kid, purpose, algorithm, publicJwk: jwk, kept }
}

function fitPublicKey(key: KeyObject, algorithm: AlgorithmName): KeyObject {
  const fault =
    key.type === 'public' ? algorithmNamed(algorithm).keyFault(key) : 'is not a public key'
  if (fault === undefined) return key
  throw new SignerUnavailableError(`what the vault has made for ${algorithm} ${fault}`)
}

type StoredHalves = Pick<NewKey, 'kid' | 'algorithm' | 'publicJwk'> & {
  readonly kept: string | undefined
}

/** Opens a key, and makes sure that its two halves belong together. */
export function openKey(key: StoredHalves, keeping: KeyKeeping): OpenedKey | Promise<OpenedKey> {
  const { kept } = key
  if (kept === undefined) return { kind: 'unopenable', why: 'damaged' }
  return kept.startsWith(vaultMark)
    ? openVaulted({ ...key, kept: kept.slice(vaultMark.length) }, keeping.vault)
    : openSealed({ ...key, kept }, keeping.sealer)
}

/** Whether a key is in a vault, where looking for it takes a while. */
export function isVaulted({ kept }: Pick<StoredHalves, 'kept'>): boolean {
  return kept?.startsWith(vaultMark) === true
}

function openSealed(
  { kid, algorithm, publicJwk: stored, kept }: NewHalves,
  sealer: Sealer,
): OpenedKey {
  const opened = sealer.open(kept, kid)
  if (opened.kind !== 'opened') return { kind: 'unopenable', why: opened.kind }
  const privateKey = createPrivateKey(opened.plaintext)
  // The public half is not sealed. Another key in its place would let a stranger sign for us.
  if (!isDeepStrictEqual(stored, publicJwk(createPublicKey(privateKey), algorithm))) {
    return { kind: 'unopenable', why: 'damaged' }
  }
  const { sign: signNow } = algorithmNamed(algorithm)
  const sign: SignWithKey = (signingInput) => signNow(privateKey, signingInput)
  return {
    kind: 'opened',
    sign,
    signAside: algorithm === 'RS256' ? (input) => signRs256(privateKey, input) : sign,
  }
}

const signInThread = promisify(signByCallback)

function signRs256(privateKey: KeyObject, signingInput: string): Promise<Uint8Array> {
  return signInThread('sha256', Buffer.from(signingInput, 'latin1'), privateKey)
}

type NewHalves = Pick<NewKey, 'kid' | 'algorithm' | 'publicJwk' | 'kept'>

/** A vault shows no private halves: that it has this one, it proves by a signature. */
async function openVaulted(key: NewHalves, vault: KeyVault | undefined): Promise<OpenedKey> {
  if (vault === undefined) return { kind: 'unopenable', why: 'in-a-vault' }
  const parsed = parsePublicKey(key.publicJwk, algorithmNamed(key.algorithm))
  const isItsOwnName =
    parsed.kind === 'key' && publicJwk(parsed.publicKey, key.algorithm).kid === key.kid
  if (!isItsOwnName) return { kind: 'unopenable', why: 'damaged' }
  const sign = signInVault(key, parsed.publicKey, vault)
  try {
    // No JWS, which would have a dot: nobody can use what is signed here.
    await sign(`portcullis asks for the key ${key.kid}`)
    return { kind: 'opened', sign, signAside: sign }
  } catch (cause) {
    return { kind: 'unopenable', why: 'vault-failed', cause }
  }
}

/**
 * Each signature is verified: one that is wrong would be refused by everybody, and a wrong one of RSA may
 * tell its private key (Boneh, DeMillo, Lipton 1997).
 */
function signInVault(
  { kid, kept, algorithm }: NewHalves,
  publicKey: KeyObject,
  vault: KeyVault,
): (signingInput: string) => Promise<Uint8Array> {
  const { verify } = algorithmNamed(algorithm)
  return async (signingInput) => {
    const signature = await vault.sign({ kept, algorithm }, Buffer.from(signingInput, 'latin1'))
    if (verify(publicKey, signingInput, Buffer.from(signature))) return signature
    throw new SignerUnavailableError(
      `the vault's signature with the key ${kid} is not one of ${algorithm} that fits its public half`,
    )
  }
}
