import type { KeyInfo } from '@portcullis/client/admin'
import type { ReadonlySignal } from '@preact/signals'
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { tickingNow } from '../data/now.ts'
import { Decisions } from '../elements/decisions.tsx'
import { administration } from '../session/session.ts'
import { exactly } from '../text/format.ts'
import { texts } from '../text/texts.ts'
import { shortKid } from './key-time-line.tsx'

/** Lets the pending keys of one purpose sign, and says which those are. */
export function KeyRotation(props: {
  readonly purpose: string
  readonly keys: readonly KeyInfo[]
  readonly onDone: () => void
}): JSX.Element {
  const { purpose, keys, onDone } = props
  // Read when it is shown: the dialog was made before there was anything.
  const rotated = useSignal<readonly KeyInfo[]>([])
  const { rotate, purposes } = texts.keys
  const before = keys.filter(({ state, createdAt }) => state === 'active' && createdAt)
  return (
    <Decisions
      isSmall
      offered={[
        {
          title: rotate.title(purposes[purpose as keyof typeof purposes]),
          explanation: explain(keys, before),
          action: rotate.action,
          isReasonOptional: true,
          outcome: <Rotated before={before} after={rotated} />,
          run: async (reason) => {
            const why = reason === '' ? {} : { reason }
            rotated.value = await administration.keys.rotate({ purpose, ...why })
            return undefined
          },
        },
      ]}
      onDone={onDone}
    />
  )
}

function explain(keys: readonly KeyInfo[], active: readonly KeyInfo[]): string {
  const { rotate } = texts.keys
  const changes = active.map(({ kid, algorithm }) => {
    const next = keys.find((key) => key.state === 'pending' && key.algorithm === algorithm)
    return rotate.change(shortKid(kid), next === undefined ? undefined : shortKid(next.kid))
  })
  const readyAt = keys.flatMap(({ maySignAt }) => maySignAt ?? [])
  const latest = new Date(Math.max(...readyAt.map(Number)))
  const isEarly = readyAt.length > 0 && latest.getTime() > tickingNow()
  return [...changes, rotate.text, ...(isEarly ? [rotate.early(exactly(latest))] : [])].join(' ')
}

function Rotated(props: {
  readonly before: readonly KeyInfo[]
  readonly after: ReadonlySignal<readonly KeyInfo[]>
}): JSX.Element {
  const { before, after } = props
  const { rotate } = texts.keys
  const now = after.value
  return (
    <div role="status">
      {before.map(({ kid, purpose, algorithm }) => {
        const signer = now.find(
          (key) => key.state === 'active' && key.purpose === purpose && key.algorithm === algorithm,
        )
        const until = now.find((key) => key.kid === kid)?.keptUntil
        if (signer === undefined || until === undefined) return <p key={kid}>{rotate.done}</p>
        return <p key={kid}>{rotate.result(shortKid(signer.kid), shortKid(kid), exactly(until))}</p>
      })}
    </div>
  )
}
