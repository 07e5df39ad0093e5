import type { RevocationPosition } from '@portcullis/client'
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { addressOf } from '../navigation/route.ts'
import { positionText } from '../revocation/standing.ts'
import { noteSignedOut } from '../session/session.ts'
import { texts } from '../text/texts.ts'
import { Dialog } from './dialog.tsx'
import { Failure } from './failure.tsx'
import { Field } from './field.tsx'
import { Wave } from './wave.tsx'

export interface Decision {
  readonly title: string
  readonly explanation: string
  /** What the button says that does it. */
  readonly action: string
  readonly isDangerous?: boolean
  /** What stands in the field for the reason already. */
  readonly usualReason?: string
  /** Where the API does not insist on a reason. */
  readonly isReasonOptional?: boolean
  /** What has to be typed, where a slip would be dear. */
  readonly typed?: string
  /** Where it leads when it is done and nothing is left to look at here: an address in the console. */
  readonly leadsTo?: string
  /** More fields, above the reason. */
  readonly fields?: ComponentChildren
  /** Whether something of them is missing or wrong. */
  readonly hasFaults?: boolean
  /** What is to be seen when it is done. */
  readonly outcome?: ComponentChildren
  /** Does it; where tokens are refused from then on, answers the place of that in the revocation log. */
  readonly run: (reason: string) => Promise<RevocationPosition | undefined>
}

type State =
  | { readonly kind: 'open'; readonly error?: unknown }
  | { readonly kind: 'busy' }
  | { readonly kind: 'done'; readonly position: RevocationPosition | undefined }

/** Asks why, does it, and shows how the news travels. */
export function DecisionDialog(props: {
  readonly decision: Decision
  readonly onClose: (isDone: boolean) => void
}): JSX.Element {
  const { decision, onClose } = props
  const [state, setState] = useState<State>({ kind: 'open' })
  const decide = async (reason: string): Promise<void> => {
    setState({ kind: 'busy' })
    try {
      setState({ kind: 'done', position: await decision.run(reason) })
    } catch (error) {
      noteSignedOut(error)
      setState({ kind: 'open', error })
    }
  }
  const isDone = state.kind === 'done'
  // While it is under way nobody knows: what is shown behind is to be looked at again.
  const mayBeDone = state.kind !== 'open'
  return (
    <Dialog
      title={decision.title}
      isFirm={state.kind === 'busy'}
      onClose={() => onClose(mayBeDone)}
    >
      {isDone ? (
        <Outcome position={state.position} onClose={() => onClose(true)}>
          {decision.outcome}
        </Outcome>
      ) : (
        <DecisionForm
          decision={decision}
          state={state}
          onDecide={(reason) => void decide(reason)}
          onCancel={() => onClose(false)}
        />
      )}
    </Dialog>
  )
}

function DecisionForm(props: {
  readonly decision: Decision
  readonly state: Exclude<State, { readonly kind: 'done' }>
  readonly onDecide: (reason: string) => void
  readonly onCancel: () => void
}): JSX.Element {
  const { decision, state, onDecide, onCancel } = props
  const [reason, setReason] = useState(decision.usualReason ?? '')
  const [typed, setTyped] = useState('')
  const [isTried, setTried] = useState(false)
  const isReasonMissing = reason.trim() === '' && decision.isReasonOptional !== true
  const reasonFault = isReasonMissing ? texts.decisions.reasonMissing : undefined
  const isTypedWrong = decision.typed !== undefined && typed.trim() !== decision.typed
  const typedFault = isTypedWrong ? texts.decisions.typedWrong(decision.typed ?? '') : undefined
  const submit = (event: Event): void => {
    event.preventDefault()
    setTried(true)
    const isFit = reasonFault === undefined && typedFault === undefined
    if (isFit && decision.hasFaults !== true) onDecide(reason.trim())
  }
  const isBusy = state.kind === 'busy'
  return (
    <form noValidate onSubmit={submit}>
      <p>{decision.explanation}</p>
      {decision.fields}
      <Field
        label={texts.decisions.reason}
        hint={texts.decisions.reasonHint}
        fault={isTried ? reasonFault : undefined}
        value={reason}
        onInput={setReason}
        isFirst={decision.fields === undefined}
      />
      {decision.typed !== undefined && (
        <Field
          label={texts.decisions.type(decision.typed)}
          fault={isTried ? typedFault : undefined}
          value={typed}
          onInput={setTyped}
        />
      )}
      {isTried && decision.hasFaults === true && (
        <p class="fault" role="alert">
          {texts.decisions.faults}
        </p>
      )}
      {state.kind === 'open' && <Failure error={state.error} />}
      <div class="actions">
        <button type="button" onClick={onCancel}>
          {texts.decisions.cancel}
        </button>
        <button class={decision.isDangerous === true ? 'danger' : 'main'} disabled={isBusy}>
          {isBusy ? texts.decisions.busy : decision.action}
        </button>
      </div>
    </form>
  )
}

function Outcome(props: {
  readonly position: RevocationPosition | undefined
  readonly onClose: () => void
  readonly children?: ComponentChildren
}): JSX.Element {
  const { position, onClose, children } = props
  const button = useRef<HTMLButtonElement>(null)
  // The one that had the focus is gone with the form.
  useEffect(() => button.current?.focus(), [])
  return (
    <>
      {position === undefined && children === undefined && (
        <p role="status">{texts.decisions.done}</p>
      )}
      {children}
      {position !== undefined && <Wave position={position} />}
      <div class="actions">
        {position !== undefined && (
          <a class="button" href={addressOf('revocations', positionText(position))}>
            {texts.revocations.keepWave}
          </a>
        )}
        <button ref={button} type="button" class="main" onClick={onClose}>
          {texts.decisions.close}
        </button>
      </div>
    </>
  )
}
