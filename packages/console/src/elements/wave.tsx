import type { RevocationPosition } from '@portcullis/client'
import type { FollowerReceipt, Receipts } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { administration, noteSignedOut } from '../session/session.ts'
import { texts } from '../text/texts.ts'
import { Failure } from './failure.tsx'
import { exactly } from './moment.tsx'

const waitSeconds = 20

/** How one revocation travels: which follower has applied it after how long, until it is everywhere. */
export function Wave({ position }: { readonly position: RevocationPosition }): JSX.Element {
  const { receipts, error, again } = useReceipts(position)
  if (receipts === undefined) {
    return (
      <div class="wave">
        {error === undefined && <p role="status">{texts.revocations.waiting}</p>}
        <Failure error={error} onRetry={again} />
      </div>
    )
  }
  const { applied, unknown, refusing } = receipts
  return (
    <div class="wave">
      <p class="verdict" role="status">
        {verdictOf(receipts)}
      </p>
      <p class="quiet">{texts.revocations.counts(applied, unknown, refusing)}</p>
      <Stragglers followers={receipts.followers.filter(({ state }) => state === 'unknown')} />
      <Failure error={error} onRetry={again} />
    </div>
  )
}

function verdictOf({ isEverywhere, slowestMs, applied, refusing }: Receipts): string {
  if (!isEverywhere) return texts.revocations.waiting
  if (applied + refusing === 0) return texts.revocations.everywhereNobody
  return texts.revocations.everywhere(slowestMs ?? 0)
}

function Stragglers(props: { readonly followers: readonly FollowerReceipt[] }): JSX.Element | null {
  if (props.followers.length === 0) return null
  return (
    <section>
      <h3>{texts.revocations.stragglers}</h3>
      <ul>
        {props.followers.map(({ client, follower, until }) => (
          <li key={follower}>
            {client ?? follower}{' '}
            <span class="quiet">
              {until === undefined
                ? texts.revocations.never
                : texts.revocations.until(exactly(until))}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Asks at once, and then waits with the issuer until nobody accepts it any more. */
function useReceipts({ epoch, seq }: RevocationPosition): {
  readonly receipts: Receipts | undefined
  readonly error: unknown
  readonly again: () => void
} {
  const [receipts, setReceipts] = useState<Receipts>()
  const [error, setError] = useState<unknown>()
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    let isOver = false
    const follow = async (): Promise<void> => {
      for (let wait = 0; ; wait = waitSeconds) {
        const asked = { waitSeconds: wait }
        const found = await administration.followers.receipts({ epoch, seq }, asked)
        if (isOver) return
        setReceipts(found)
        if (found.isEverywhere) return
      }
    }
    setError(undefined)
    follow().catch((cause: unknown) => {
      noteSignedOut(cause)
      if (!isOver) setError(cause)
    })
    return () => {
      isOver = true
    }
  }, [epoch, seq, turn])
  return { receipts, error, again: () => setTurn((count) => count + 1) }
}
