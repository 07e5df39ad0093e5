import type { RevocationPosition } from '@portcullis/client'
import { ClientError } from '@portcullis/client'
import { useEffect, useState } from 'preact/hooks'
import { administration, noteEnd } from '../session/session.ts'
import type { HeardReceipts } from './receipts.ts'
import { followReceipts } from './receipts.ts'

export interface FollowedReceipts {
  /** What was heard last; it stays while identity does not answer. */
  readonly heard: HeardReceipts | undefined
  readonly error: unknown
  /** It is asked again without anybody's doing. */
  readonly isRetrying: boolean
  readonly again: () => void
}

export function useReceipts({ epoch, seq }: RevocationPosition): FollowedReceipts {
  const [heard, setHeard] = useState<HeardReceipts>()
  const [failed, setFailed] = useState<{ readonly error: unknown; readonly isRetrying: boolean }>()
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    const ask = (waitSeconds: number): ReturnType<typeof administration.followers.receipts> =>
      administration.followers.receipts({ epoch, seq }, { waitSeconds })
    return followReceipts(
      { ask, isPassing, later },
      {
        onReceipts: (found) => {
          setHeard(found)
          setFailed(undefined)
        },
        onFailure: (error, isRetrying) => {
          noteEnd(error)
          setFailed({ error, isRetrying })
        },
      },
    )
  }, [epoch, seq, turn])
  return {
    heard,
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

function later(what: () => void, ms: number): () => void {
  const timer = setTimeout(what, ms)
  return () => clearTimeout(timer)
}
