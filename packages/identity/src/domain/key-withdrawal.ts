import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { Actor, Superseded } from './actors.ts'
import type { KeyFacts, KeyLine, KeyStock } from './key-life.ts'
import type { NewKey } from './key-opening.ts'

/** Who withdraws which key, and why. */
export interface WithdrawKey {
  readonly kid: string
  readonly actor: Actor
  readonly reason: string
}

export interface KeyWithdrawalRequest extends WithdrawKey {
  /** Waits in the place of a key that has signed or waited until now. Without one the next upkeep makes it. */
  readonly successor: NewKey | undefined
}

export type KeyWithdrawalOutcome =
  | {
      readonly kind: 'withdrawn'
      /** Where the log says so. Undefined for a key of the feed, of which the log says nothing. */
      readonly position: RevocationPosition | undefined
    }
  /** It was destroyed or withdrawn before: nothing is left to be taken back, and nothing was changed. */
  | { readonly kind: 'gone-before' }
  | { readonly kind: 'unknown-key' }
  | Superseded

interface WithdrawalParts {
  readonly keys: {
    readonly readStock: () => Promise<KeyStock>
    readonly withdraw: (request: KeyWithdrawalRequest) => Promise<KeyWithdrawalOutcome>
  }
  /** Undefined when this process is in no position to make one. */
  readonly makeKey: (line: KeyLine, stock: KeyStock) => Promise<NewKey | undefined>
}

/**
 * Nothing may stand in the way of this: a successor that cannot be made, because the vault is down or the
 * stored keys cannot be opened here, is left to whoever can make it.
 */
export async function withdrawKey(
  { keys, makeKey }: WithdrawalParts,
  request: WithdrawKey,
): Promise<KeyWithdrawalOutcome> {
  const stock = await keys.readStock()
  const meant = stock.keys.find(({ kid }) => kid === request.kid)
  // Made before the step and not in it: an RSA key takes longer than other processes should wait.
  const successor =
    meant !== undefined && hasSuccessor(meant)
      ? await makeKey(meant, stock).catch(() => undefined)
      : undefined
  return keys.withdraw({ ...request, successor })
}

function hasSuccessor({ state }: KeyFacts): boolean {
  return state === 'active' || state === 'pending'
}
