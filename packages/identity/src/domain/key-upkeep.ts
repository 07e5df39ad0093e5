import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { Actor, Superseded } from './actors.ts'
import type { HeldKeys, NewKey, StoredKey, UnopenableKey } from './key-custody.ts'
import { generateKey, openKeys } from './key-custody.ts'
import type {
  KeyFacts,
  KeyLine,
  KeyPlace,
  KeyPolicy,
  KeyPurpose,
  KeyStock,
  RotationTooEarly,
} from './key-life.ts'
import { deadKeys, decideKeyRotation, linesDue, linesOf, placesMissing } from './key-life.ts'
import type { Sealer } from './sealing.ts'
import { createTurns } from './turns.ts'

/**
 * Every change is one atomic step, which also writes the kids that live into the head of the
 * revocation log. The store's clock is asked inside the step: a key must not look older than it is
 * because the step had to wait for another process.
 */
export interface KeyStore {
  /** The keys that are not destroyed, without their halves: cheap enough for every second. */
  readonly readStock: () => Promise<KeyStock>
  /** The same keys, in the same order, as they are kept. */
  readonly readKeys: () => Promise<readonly StoredKey[]>
  /** All keys there ever were, oldest first. */
  readonly list: () => Promise<readonly KeyFacts[]>
  /** Keeps each key unless its place is taken by now: nodes that start together agree on one. */
  readonly insertMissing: (keys: readonly PlacedKey[]) => Promise<void>
  /** On every line at once: active → retiring, pending → active, and the successor is pending. */
  readonly rotate: (request: KeyRotationRequest) => Promise<KeyRotationOutcome>
  /** Erases the private halves of the keys that are dead by now, and answers their kids. */
  readonly destroyDead: () => Promise<readonly string[]>
}

export interface PlacedKey extends NewKey {
  readonly state: KeyPlace['state']
}

export interface KeyRotationRequest {
  /** The next pending key of each line that is to rotate. */
  readonly successors: readonly NewKey[]
  readonly policy: KeyPolicy
  /** Who decides it; undefined when a key has reached its age. */
  readonly actor?: Actor | undefined
}

export type KeyRotationOutcome =
  { readonly kind: 'rotated'; readonly lines: readonly KeyLine[] } | RotationTooEarly | Superseded

/** Which keys to rotate: those for access tokens unless `purpose` says otherwise. */
export interface RotateKeys {
  readonly purpose?: KeyPurpose
  /** Default: every algorithm that has keys. */
  readonly algorithm?: AlgorithmName
  /** Somebody who could lose the right to it while keys are made. */
  readonly actor?: Actor
}

export type RotatedKeys =
  KeyRotationOutcome | UnopenableKey | { readonly kind: 'unknown-algorithm' }

export type UpkeepOutcome =
  | {
      readonly kind: 'kept'
      /** What this call has rotated. */
      readonly rotated: readonly KeyLine[]
      /** The kids of the keys that it has destroyed. */
      readonly destroyed: readonly string[]
    }
  | UnopenableKey

export interface KeyUpkeep {
  readonly held: () => HeldKeys
  readonly keepUp: () => Promise<UpkeepOutcome>
  readonly rotate: (request?: RotateKeys) => Promise<RotatedKeys>
}

export interface KeyUpkeepParts {
  readonly keys: KeyStore
  readonly sealer: Sealer
  readonly policy: KeyPolicy
  /** The lines that must have their keys, whether the store knows them already or not. */
  readonly wanted: readonly KeyLine[]
}

/** What the operations below work on. Only `load` replaces the keys that are held. */
interface Custody extends KeyUpkeepParts {
  held: HeldKeys
}

/** Holds nothing before the first `keepUp`. */
export function createKeyUpkeep(parts: KeyUpkeepParts): KeyUpkeep {
  const custody: Custody = { ...parts, held: holdingNothing }
  // A slow reader must not put back what a rotation has just replaced.
  const inTurn = createTurns()
  return {
    held: () => custody.held,
    keepUp: () => inTurn(() => keepUp(custody)),
    rotate: (request = {}) => inTurn(() => rotate(custody, request)),
  }
}

async function keepUp(custody: Custody): Promise<UpkeepOutcome> {
  const { keys, sealer, policy, wanted } = custody
  const stock = await keys.readStock()
  const missing = placesMissing(stock, wanted)
  const due = linesDue(stock, policy)
  const hasDead = deadKeys(stock).length > 0
  const isIdle = missing.length + due.length === 0 && !hasDead && isHeld(custody, stock)
  if (isIdle) return { kind: 'kept', rotated: [], destroyed: [] }

  // First, because a store whose keys cannot be opened here is not this process's to change.
  const unopenable = await load(custody)
  if (unopenable !== undefined) return unopenable
  // Even if none is missing: the head of the log may be younger than the keys that it has to name.
  const made = missing.map((place) => ({ ...generateKey(place, sealer), state: place.state }))
  await keys.insertMissing(made)
  const outcome = due.length === 0 ? undefined : await rotateLines(custody, due)
  const rotated = outcome?.kind === 'rotated' ? outcome.lines : []
  const destroyed = hasDead ? await keys.destroyDead() : []
  return (await load(custody)) ?? { kind: 'kept', rotated, destroyed }
}

async function rotate(
  custody: Custody,
  { purpose = 'access-token', algorithm, actor }: RotateKeys,
): Promise<RotatedKeys> {
  const { keys, policy } = custody
  const unopenable = await load(custody)
  if (unopenable !== undefined) return unopenable
  const stock = await keys.readStock()
  const lines = linesOf(stock).filter(
    (line) => line.purpose === purpose && (algorithm === undefined || line.algorithm === algorithm),
  )
  if (lines.length === 0) return { kind: 'unknown-algorithm' }
  // Asked here as well, so that a refusal does not cost the making of keys.
  const decision = decideKeyRotation(stock, lines, policy)
  if (decision.kind === 'too-early') return decision
  const outcome = await rotateLines(custody, lines, actor)
  // If that fails the keys have rotated all the same, and the next `keepUp` says what is wrong.
  await load(custody)
  return outcome
}

function rotateLines(
  { keys, sealer, policy }: Custody,
  lines: readonly KeyLine[],
  actor?: Actor,
): Promise<KeyRotationOutcome> {
  // Made before the step and not in it: an RSA key takes longer than other processes should wait.
  const successors = lines.map((line) => generateKey(line, sealer))
  return keys.rotate({ successors, policy, actor })
}

/** Holds what the store has; when a key of it cannot be opened, what was held before stays. */
async function load(custody: Custody): Promise<UnopenableKey | undefined> {
  const opened = openKeys(await custody.keys.readKeys(), custody.sealer)
  if (opened.kind === 'unopenable') return opened
  custody.held = opened
  return undefined
}

function isHeld({ held }: Custody, stock: KeyStock): boolean {
  return held !== holdingNothing && statesOf(held.facts) === statesOf(stock.keys)
}

function statesOf(facts: readonly KeyFacts[]): string {
  return facts.map(({ kid, state }) => `${kid} ${state}`).join()
}

const holdingNothing: HeldKeys = {
  kind: 'held',
  facts: [],
  active: () => undefined,
  jwks: { 'access-token': { keys: [] }, feed: { keys: [] } },
}
