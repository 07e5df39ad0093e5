import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { Actor, Superseded } from './actors.ts'
import type { HeldKeys, StoredKey, UnopenableKey } from './key-custody.ts'
import { holdingNothing, openKeys, withoutGone } from './key-custody.ts'
import type {
  KeyFacts,
  KeyLine,
  KeyPlace,
  KeyPolicy,
  KeyPurpose,
  KeyStock,
  RotationTooEarly,
} from './key-life.ts'
import {
  deadKeys,
  decideKeyRotation,
  linesDue,
  linesOf,
  placesMissing,
  readyAlgorithms,
} from './key-life.ts'
import type { KeyKeeping, NewKey } from './key-opening.ts'
import { generateKey } from './key-opening.ts'
import type { KeyWithdrawalOutcome, KeyWithdrawalRequest, WithdrawKey } from './key-withdrawal.ts'
import { withdrawKey } from './key-withdrawal.ts'
import { createSerialQueue } from './serial-queue.ts'

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
  /**
   * Erases the private half of a key, whatever its state, takes it out of the head of the revocation log,
   * and appends that it was withdrawn. If it was active the pending one signs from then on.
   */
  readonly withdraw: (request: KeyWithdrawalRequest) => Promise<KeyWithdrawalOutcome>
  /**
   * Notes that these lines are wanted, and retires those that no node has wanted for `lineUnwantedMsMax`: the
   * active key is retiring, and the pending one, which never signed, is destroyed. Answers what it has retired.
   */
  readonly keepLines: (wanted: readonly KeyLine[]) => Promise<readonly KeyLine[]>
  /** From now on these kids, and no others, live beside those of the keys. */
  readonly declareSharedKids: (kids: readonly string[]) => Promise<void>
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
  readonly reason?: string | undefined
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
  readonly reason?: string | undefined
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
      /** The lines that nobody wants any more, when there were some. */
      readonly retired?: readonly KeyLine[]
    }
  | UnopenableKey

export interface KeyUpkeep {
  readonly held: () => HeldKeys
  /** Whether the active key of an algorithm for access tokens is in every copy of the key set. */
  readonly isReady: (algorithm: AlgorithmName) => boolean
  readonly keepUp: () => Promise<UpkeepOutcome>
  readonly rotate: (request?: RotateKeys) => Promise<RotatedKeys>
  readonly withdraw: (request: WithdrawKey) => Promise<KeyWithdrawalOutcome>
}

export interface KeyUpkeepParts extends KeyKeeping {
  readonly keys: KeyStore
  readonly policy: KeyPolicy
  /** The lines that must have their keys, whether the store knows them already or not. */
  readonly wanted: readonly KeyLine[]
}

/** What the operations below work on. Only `load` replaces the keys that are held. */
interface Custody extends KeyUpkeepParts {
  held: HeldKeys
  ready: ReadonlySet<AlgorithmName>
  /** When this process last said which lines it wants, by the store's clock. */
  linesKeptAt: number
}

/** Every node says this often which lines it wants … */
const linesKeptMs = 10 * 60_000
/** … so what nobody has wanted for this long is wanted by no node that runs. */
export const lineUnwantedMsMax: number = 6 * linesKeptMs

/** Holds nothing before the first `keepUp`. */
export function createKeyUpkeep(parts: KeyUpkeepParts): KeyUpkeep {
  const custody: Custody = {
    ...parts,
    held: holdingNothing,
    ready: new Set(),
    linesKeptAt: -Infinity,
  }
  // A slow reader must not put back what a rotation has just replaced.
  const inTurn = createSerialQueue()
  return {
    held: () => custody.held,
    isReady: (algorithm) => custody.ready.has(algorithm),
    keepUp: () => inTurn(() => keepUp(custody)),
    rotate: (request = {}) => inTurn(() => rotate(custody, request)),
    withdraw: async (request) => {
      // Not in turn: what is under way may wait for a vault, and this must not.
      const outcome = await withdraw(custody, request)
      if (outcome.kind !== 'withdrawn') return outcome
      // If that fails the key is withdrawn all the same, and the next `keepUp` says what is wrong.
      await inTurn(() => keepUp(custody)).catch(() => undefined)
      return outcome
    },
  }
}

async function keepUp(custody: Custody): Promise<UpkeepOutcome> {
  const { keys, policy, wanted } = custody
  const stock = await keys.readStock()
  custody.ready = readyAlgorithms(stock, policy)
  const missing = placesMissing(stock, wanted)
  const due = linesDue(stock, policy)
  const hasDead = deadKeys(stock).length > 0
  const mustKeepLines = stock.readAt - custody.linesKeptAt >= linesKeptMs
  const hasWork = missing.length + due.length > 0 || hasDead || mustKeepLines
  const isIdle = !hasWork && isHeld(custody, stock)
  if (isIdle) return { kind: 'kept', rotated: [], destroyed: [] }

  // First, because a store whose keys cannot be opened here is not this process's to change.
  const unopenable = await load(custody)
  if (unopenable !== undefined) return unopenable
  // Even if none is missing: the head of the log may be younger than the keys that it has to name.
  const made = await Promise.all(
    missing.map(async (place) => ({
      ...(await generateKey(place, custody)),
      state: place.state,
    })),
  )
  await keys.insertMissing(made)
  const outcome = due.length === 0 ? undefined : await rotateLines(custody, due)
  const rotated = outcome?.kind === 'rotated' ? outcome.lines : []
  const destroyed = hasDead ? await keys.destroyDead() : []
  const retired = mustKeepLines ? await keys.keepLines(wanted) : []
  custody.linesKeptAt = mustKeepLines ? stock.readAt : custody.linesKeptAt
  const kept = { kind: 'kept', rotated, destroyed } as const
  return (await load(custody)) ?? (retired.length === 0 ? kept : { ...kept, retired })
}

async function rotate(
  custody: Custody,
  { purpose = 'access-token', algorithm, ...decided }: RotateKeys,
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
  const outcome = await rotateLines(custody, lines, decided)
  // If that fails the keys have rotated all the same, and the next `keepUp` says what is wrong.
  await load(custody)
  return outcome
}

async function withdraw(custody: Custody, request: WithdrawKey): Promise<KeyWithdrawalOutcome> {
  const { keys } = custody
  const outcome = await withdrawKey(
    {
      keys,
      // A key of a process that cannot open the others could be opened by none of them.
      makeKey: async (line, stock) =>
        isHeld(custody, stock) ? generateKey(line, custody) : undefined,
    },
    request,
  )
  if (outcome.kind === 'withdrawn') {
    const left = custody.held.keys.map(({ kid }) => kid).filter((kid) => kid !== request.kid)
    custody.held = withoutGone(custody.held, new Set(left))
  }
  return outcome
}

async function rotateLines(
  custody: Custody,
  lines: readonly KeyLine[],
  decided: Pick<KeyRotationRequest, 'actor' | 'reason'> = {},
): Promise<KeyRotationOutcome> {
  const { keys, policy } = custody
  // Made before the step and not in it: an RSA key takes longer than other processes should wait.
  const successors = await Promise.all(lines.map((line) => generateKey(line, custody)))
  return keys.rotate({ successors, policy, ...decided })
}

/**
 * Holds what the store has. When a key of it cannot be opened, what was held before stays, without the keys
 * that the store has no more: they may have been withdrawn.
 */
async function load(custody: Custody): Promise<UnopenableKey | undefined> {
  const stored = await custody.keys.readKeys()
  const opened = await openKeys(stored, custody, custody.held)
  if (opened.kind === 'unopenable') {
    custody.held = withoutGone(custody.held, new Set(stored.map(({ kid }) => kid)))
    return opened
  }
  custody.held = opened
  return undefined
}

function isHeld({ held }: Custody, stock: KeyStock): boolean {
  return held !== holdingNothing && statesOf(held.keys) === statesOf(stock.keys)
}

function statesOf(facts: readonly KeyFacts[]): string {
  return facts.map(({ kid, state }) => `${kid} ${state}`).join()
}
