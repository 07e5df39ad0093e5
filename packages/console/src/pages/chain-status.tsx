import type { AuditFault, AuditVerdict } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { anchorsIn } from '../data/anchors.ts'
import { Failure } from '../elements/failure.tsx'
import { administration, noteEnd } from '../session/session.ts'
import { countText } from '../text/format.ts'
import { texts } from '../text/texts.ts'
import { AnchorFields, faultOf } from './anchor-fields.tsx'

type State =
  | { readonly kind: 'idle' | 'busy' }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'told'; readonly verdict: AuditVerdict; readonly anchors: number }

/** Has the whole record checked, when somebody asks: it reads all that there is. */
export function ChainStatus(): JSX.Element {
  const [state, setState] = useState<State>({ kind: 'idle' })
  const [kept, setKept] = useState('')
  const { title, text, action, busy } = texts.audit.verify
  const hasFault = faultOf(kept) !== undefined
  const check = async (): Promise<void> => {
    setState({ kind: 'busy' })
    try {
      const { anchors } = anchorsIn(kept)
      const verdict = await administration.audit.verify(anchors)
      setState({ kind: 'told', verdict, anchors: anchors.length })
    } catch (error) {
      noteEnd(error)
      setState({ kind: 'failed', error })
    }
  }
  const isBusy = state.kind === 'busy'
  return (
    <section class="to-do">
      <h2>{title}</h2>
      <p>{text}</p>
      <AnchorFields
        text={kept}
        onChange={(changed) => {
          setKept(changed)
          // What was told was about other anchors.
          if (!isBusy) setState({ kind: 'idle' })
        }}
      />
      <div class="actions">
        <button type="button" disabled={isBusy || hasFault} onClick={() => void check()}>
          {action}
        </button>
      </div>
      <div role="status">
        {isBusy && <p class="quiet">{busy}</p>}
        {state.kind === 'told' && <Verdict {...state} />}
      </div>
      {state.kind === 'failed' && <Failure error={state.error} />}
    </section>
  )
}

function Verdict(props: { readonly verdict: AuditVerdict; readonly anchors: number }): JSX.Element {
  const { verdict, anchors } = props
  const { holds, holdsWithAnchors, broken, toDo } = texts.audit.verify
  const { firstBad, records, chains } = verdict
  if (firstBad === undefined) {
    const facts = [countText(records), countText(chains)] as const
    const told = anchors === 0 ? holds(...facts) : holdsWithAnchors(...facts, countText(anchors))
    return <p class="verdict good">{told}</p>
  }
  return (
    <div class="failure broken">
      <p class="verdict">{broken}</p>
      <p>{described(firstBad)}</p>
      {firstBad.what !== 'sealing-key' && <p>{toDo}</p>}
    </div>
  )
}

function described({ what, chain, seq, id }: AuditFault): string {
  const { faults, place, row } = texts.audit.verify
  const words: Readonly<Record<string, string>> = faults
  const known = [
    words[what] ?? what,
    chain === undefined ? undefined : place(chain, seq === undefined ? '?' : countText(seq)),
    id === undefined ? undefined : row(countText(id)),
  ]
  return known.filter((one) => one !== undefined).join(' ')
}
