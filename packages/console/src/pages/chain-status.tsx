import type { AuditFault, AuditVerdict } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { Failure } from '../elements/failure.tsx'
import { administration, noteSignedOut } from '../session/session.ts'
import { texts } from '../text/texts.ts'

type State =
  | { readonly kind: 'idle' | 'busy' }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'told'; readonly verdict: AuditVerdict }

/** Has the whole record checked, when somebody asks: it reads all that there is. */
export function ChainStatus(): JSX.Element {
  const [state, setState] = useState<State>({ kind: 'idle' })
  const { title, text, action, busy } = texts.audit.verify
  const check = async (): Promise<void> => {
    setState({ kind: 'busy' })
    try {
      setState({ kind: 'told', verdict: await administration.audit.verify() })
    } catch (error) {
      noteSignedOut(error)
      setState({ kind: 'failed', error })
    }
  }
  const isBusy = state.kind === 'busy'
  return (
    <section class="to-do">
      <h2>{title}</h2>
      <p>{text}</p>
      <div class="actions">
        <button type="button" disabled={isBusy} onClick={() => void check()}>
          {action}
        </button>
      </div>
      <div role="status">
        {isBusy && <p class="quiet">{busy}</p>}
        {state.kind === 'told' && <Verdict verdict={state.verdict} />}
      </div>
      {state.kind === 'failed' && <Failure error={state.error} />}
    </section>
  )
}

function Verdict({ verdict }: { readonly verdict: AuditVerdict }): JSX.Element {
  const { holds, broken } = texts.audit.verify
  const { firstBad, records, chains } = verdict
  if (firstBad === undefined) {
    return <p class="verdict">{holds(records.toLocaleString(), chains.toLocaleString())}</p>
  }
  return (
    <div class="failure">
      <p class="verdict">{broken}</p>
      <p>{described(firstBad)}</p>
    </div>
  )
}

function described({ what, chain, seq, id }: AuditFault): string {
  const { faults, place, row } = texts.audit.verify
  const words: Readonly<Record<string, string>> = faults
  const known = [
    words[what] ?? what,
    chain === undefined ? undefined : place(chain, seq === undefined ? '?' : String(seq)),
    id === undefined ? undefined : row(id),
  ]
  return known.filter((one) => one !== undefined).join(' ')
}
