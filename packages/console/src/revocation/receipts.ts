import type { RevocationPosition } from '@portcullis/client'
import { ClientError } from '@portcullis/client'
import type { Receipts } from '@portcullis/client/admin'
import { useEffect, useState } from 'preact/hooks'
import { administration, noteSignedOut } from '../session/session.ts'

export interface FollowedReceipts {
  /** What was known last; it stays while identity does not answer. */
  readonly receipts: Receipts | undefined
  readonly error: unknown
  /** It is asked again without anybody's doing. */
  readonly isRetrying: boolean
  readonly again: () => void
}

/** The issuer answers early only when it is everywhere, and the first receipts are to be seen as they come. */
const waitsSeconds = [0, 1, 1, 2, 2, 5]
const laterWaitSeconds = 10
const retrySeconds = 3

/** Asks at once, and then waits with the issuer until nobody accepts it any more. */
export function useReceipts({ epoch, seq }: RevocationPosition): FollowedReceipts {
  const [receipts, setReceipts] = useState<Receipts>()
  const [failed, setFailed] = useState<{ readonly error: unknown; readonly isRetrying: boolean }>()
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let isOver = false
    const follow = async (asked: number): Promise<void> => {
      try {
        const waitSeconds = waitsSeconds[asked] ?? laterWaitSeconds
        const found = await administration.followers.receipts({ epoch, seq }, { waitSeconds })
        if (isOver) return
        setReceipts(found)
        setFailed(undefined)
        if (!found.isEverywhere) void follow(asked + 1)
      } catch (error) {
        noteSignedOut(error)
        if (isOver) return
        const isRetrying = isPassing(error)
        setFailed({ error, isRetrying })
        if (isRetrying) timer = setTimeout(() => void follow(0), retrySeconds * 1000)
      }
    }
    void follow(0)
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [epoch, seq, turn])
  return {
    receipts,
    error: failed?.error,
    isRetrying: failed?.isRetrying ?? false,
    again: () => {
      setFailed(undefined)
      setTurn((count) => count + 1)
    },
  }
}

function isPassing(error: unknown): boolean {
  return (
    error instanceof ClientError &&
    (error.code === 'issuer-unreachable' || error.code === 'throttled')
  )
}
