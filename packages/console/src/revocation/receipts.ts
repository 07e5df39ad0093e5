import type { Receipts } from '@portcullis/client/admin'

/** The issuer answers early only when it is everywhere, and the first receipts are to be seen as they come. */
const waitsSeconds = [0, 1, 1, 2, 2, 5]
const laterWaitSeconds = 10
const retryMs = 3_000

/** An answer, and whether it came before anybody had the time to be late. */
export interface HeardReceipts {
  readonly receipts: Receipts
  readonly isEarly: boolean
}

export interface ReceiptListener {
  readonly onReceipts: (heard: HeardReceipts) => void
  /** `isRetrying`: it is asked again without anybody's doing. */
  readonly onFailure: (error: unknown, isRetrying: boolean) => void
}

export interface ReceiptQuestions {
  readonly ask: (waitSeconds: number) => Promise<Receipts>
  /** Whether it may go well by itself soon. */
  readonly isPassing: (error: unknown) => boolean
  /** Does it later, unless it is told not to. */
  readonly later: (what: () => void, ms: number) => () => void
}

/** Asks at once, and then waits with the issuer until nobody accepts it any more; answers how to end that. */
export function followReceipts(
  { ask, isPassing, later }: ReceiptQuestions,
  { onReceipts, onFailure }: ReceiptListener,
): () => void {
  let isOver = false
  let forget: (() => void) | undefined
  const follow = async (asked: number): Promise<void> => {
    try {
      const receipts = await ask(waitsSeconds[asked] ?? laterWaitSeconds)
      if (isOver) return
      onReceipts({ receipts, isEarly: asked === 0 })
      if (!receipts.isEverywhere) void follow(asked + 1)
    } catch (error) {
      if (isOver) return
      const isRetrying = isPassing(error)
      onFailure(error, isRetrying)
      if (isRetrying) forget = later(() => void follow(1), retryMs)
    }
  }
  void follow(0)
  return () => {
    isOver = true
    forget?.()
  }
}
