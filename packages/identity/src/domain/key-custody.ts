import type { PublicJwk } from '@portcullis/protocol/jws'
import type { KeyFacts, KeyLine, KeyPurpose } from './key-life.ts'
import type { KeyKeeping, OpenedKey, OpenedSigner } from './key-opening.ts'
import { isVaulted, openKey } from './key-opening.ts'

/** A signing key as it is kept. */
export interface StoredKey extends KeyFacts {
  readonly publicJwk: PublicJwk
  /** The sealed private half or its name in a vault; undefined once the key is destroyed. */
  readonly kept: string | undefined
}

export interface JwkSet {
  readonly keys: readonly PublicJwk[]
}

/** A key that can be signed with. */
export interface HeldKey extends StoredKey, OpenedSigner {}

/** Opened keys. */
export interface HeldKeys {
  readonly kind: 'held'
  readonly keys: readonly HeldKey[]
  readonly active: (line: KeyLine) => HeldKey | undefined
  readonly jwks: Readonly<Record<KeyPurpose, JwkSet>>
}

export interface UnopenableKey extends Extract<OpenedKey, { readonly kind: 'unopenable' }> {
  readonly kid: string
}

/**
 * Opens all of these keys, none of which may be destroyed, or says which one cannot be opened. Retiring
 * ones too: their public halves are published, so they have to be ours.
 */
export async function openKeys(
  stored: readonly StoredKey[],
  keeping: KeyKeeping,
  before: HeldKeys = holdingNothing,
): Promise<HeldKeys | UnopenableKey> {
  const opened = await Promise.all(
    stored.map(async (key) => ({
      key,
      result: knownBefore(key, before) ?? (await openKey(key, keeping)),
    })),
  )
  const keys: HeldKey[] = []
  for (const { key, result } of opened) {
    if (result.kind === 'unopenable') return { ...result, kid: key.kid }
    const { sign, signAside } = result
    keys.push({ ...key, sign, signAside })
  }
  return hold(keys)
}

/** A vault is asked for each key once: it may take its time, and count what it is asked. */
function knownBefore(key: StoredKey, { keys }: HeldKeys): OpenedKey | undefined {
  if (!isVaulted(key)) return undefined
  const known = keys.find(
    ({ kid, kept, publicJwk }) =>
      kid === key.kid &&
      kept === key.kept &&
      JSON.stringify(publicJwk) === JSON.stringify(key.publicJwk),
  )
  return known && { kind: 'opened', sign: known.sign, signAside: known.signAside }
}

/** What is held without the keys that the store has no more; the very same when that changes nothing. */
export function withoutGone(held: HeldKeys, kids: ReadonlySet<string>): HeldKeys {
  const left = held.keys.filter(({ kid }) => kids.has(kid))
  return left.length === held.keys.length ? held : hold(left)
}

function hold(keys: readonly HeldKey[]): HeldKeys {
  const jwksOf = (purpose: KeyPurpose): JwkSet => ({
    keys: keys.filter((key) => key.purpose === purpose).map((key) => key.publicJwk),
  })
  return {
    kind: 'held',
    keys,
    active: ({ purpose, algorithm }) =>
      keys.find(
        (key) => key.state === 'active' && key.purpose === purpose && key.algorithm === algorithm,
      ),
    jwks: { 'access-token': jwksOf('access-token'), feed: jwksOf('feed') },
  }
}

export const holdingNothing: HeldKeys = hold([])
