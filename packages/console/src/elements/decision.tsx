import type { RevocationPosition } from '@portcullis/client'
import type { ComponentChildren, JSX, RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { addressOf } from '../navigation/route.ts'
import { positionText } from '../revocation/standing.ts'
import { noteEnd } from '../session/session.ts'
import { texts } from '../text/texts.ts'
import { Dialog } from './dialog.tsx'
import { Failure } from './failure.tsx'
import { Field } from './field.tsx'
import { FollowedWave } from './followed-wave.tsx'
import type { Faults, RefusalsOfFields } from './form-faults.ts'
import { FormFaults, placeFaults } from './form-faults.ts'
import { ReasonField } from './reason-field.tsx'

export interface Decision {
  readonly title: string
  /** What it is about, beside its name: it stays to be seen when it is done. */
  readonly about?: ComponentChildren
  readonly explanation: string
  /** What follows that one might not think of. */
  readonly warning?: string | undefined
  /** What the button says that does it. */
  readonly action: string
  readonly isDangerous?: boolean
  /** What stands in the field for the reason already. */
  readonly usualReason?: string
  /** Reasons to choose from, or to say another one. */
  readonly usualReasons?: readonly string[]
  /** Where the API does not insist on a reason. */
  readonly isReasonOptional?: boolean
  /** What has to be typed, where a slip would be dear. */
  readonly typed?: string
  /** Where it leads when it is done and nothing is left to look at here: an address in the console. */
  readonly leadsTo?: string
  /** More fields, above the reason. */
  readonly fields?: ComponentChildren
  /** Each member of the request that a field is for, with what is wrong there. */
  readonly faults?: Faults
  readonly refusals?: RefusalsOfFields
  /** What is to be seen when it is done; above how that travels, where it does. */
  readonly outcome?: ComponentChildren
  /** Nobody can look at the outcome later: it stays until somebody says that it is kept. */
  readonly isShownOnce?: boolean
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
      noteEnd(error)
      setState({ kind: 'open', error })
    }
  }
  const isDone = state.kind === 'done'
  const isToKeep = isDone && decision.isShownOnce === true
  const [isAsked, setAsked] = useState(false)
  // While it is under way nobody knows: what is shown behind is to be looked at again.
  const mayBeDone = state.kind !== 'open'
  return (
    <Dialog
      title={decision.title}
      isFirm={state.kind === 'busy' || isToKeep}
      onStay={isToKeep ? () => setAsked(true) : undefined}
      onClose={() => onClose(mayBeDone)}
    >
      {decision.about}
      {isDone ? (
        <Outcome
          position={state.position}
          isShownOnce={isToKeep}
          isAsked={isAsked}
          onClose={() => onClose(true)}
        >
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

type Undecided = Exclude<State, { readonly kind: 'done' }>

/** What keeps it from being sent, at the fields; of the reason and of what has to be typed too. */
function ownFaults(decision: Decision, reason: string, typed: string): Faults {
  const { reasonMissing, reasonNotChosen, typedWrong } = texts.decisions
  const isReasonMissing = reason.trim() === '' && decision.isReasonOptional !== true
  const isTypedWrong = decision.typed !== undefined && typed.trim() !== decision.typed
  const missing = decision.usualReasons === undefined ? reasonMissing : reasonNotChosen
  const all = {
    ...decision.faults,
    reason: isReasonMissing ? missing : undefined,
    typed: isTypedWrong ? typedWrong(decision.typed ?? '') : undefined,
  }
  return Object.fromEntries(Object.entries(all).filter(([, fault]) => fault !== undefined))
}

function DecisionForm(props: {
  readonly decision: Decision
  readonly state: Undecided
  readonly onDecide: (reason: string) => void
  readonly onCancel: () => void
}): JSX.Element {
  const { decision, state, onDecide, onCancel } = props
  const [reason, setReason] = useState(decision.usualReason ?? '')
  const [typed, setTyped] = useState('')
  const [tries, setTries] = useState(0)
  const own = ownFaults(decision, reason, typed)
  const members = new Set(['reason', ...Object.keys(decision.faults ?? {})])
  const error = state.kind === 'open' ? state.error : undefined
  const told = placeFaults(error, members, decision.refusals)
  const form = useFocusOnFaults(tries, state)
  const submit = (event: Event): void => {
    event.preventDefault()
    setTries(tries + 1)
    if (Object.keys(own).length === 0) onDecide(reason.trim())
  }
  const isBusy = state.kind === 'busy'
  return (
    <FormFaults value={tries > 0 ? { ...told.atFields, ...own } : {}}>
      <form ref={form} noValidate onSubmit={submit}>
        <p>{decision.explanation}</p>
        {decision.warning !== undefined && <p class="warned">{decision.warning}</p>}
        {decision.fields}
        <ReasonField
          value={reason}
          onInput={setReason}
          usual={decision.usualReasons}
          isOptional={decision.isReasonOptional}
          isFirst={decision.fields === undefined}
        />
        {decision.typed !== undefined && (
          <Field
            label={texts.decisions.type(decision.typed)}
            member="typed"
            value={typed}
            onInput={setTyped}
          />
        )}
        <Failure error={told.rest} />
        <div class="actions">
          <button type="button" onClick={onCancel}>
            {texts.decisions.cancel}
          </button>
          <button class={decision.isDangerous === true ? 'danger' : 'main'} disabled={isBusy}>
            {isBusy ? texts.decisions.busy : decision.action}
          </button>
        </div>
      </form>
    </FormFaults>
  )
}

/** After each try the focus goes to the first field that is wrong, or else to where one tries again. */
function useFocusOnFaults(tries: number, state: Undecided): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => {
    if (tries === 0 || state.kind === 'busy') return
    const wrong = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')
    const again = form.current?.querySelector<HTMLElement>('button:not([type])')
    const goal = wrong ?? again
    goal?.focus()
  }, [tries, state])
  return form
}

function Outcome(props: {
  readonly position: RevocationPosition | undefined
  readonly isShownOnce: boolean
  /** Somebody would have closed it, and what is shown would be gone. */
  readonly isAsked: boolean
  readonly onClose: () => void
  readonly children?: ComponentChildren
}): JSX.Element {
  const { position, isShownOnce, isAsked, onClose, children } = props
  const { done, keepFirst, isKept, close } = texts.decisions
  const button = useRef<HTMLButtonElement>(null)
  // The one that had the focus is gone with the form. A second Enter is no word that the secret is kept.
  useEffect(() => {
    if (!isShownOnce) button.current?.focus()
  }, [isShownOnce])
  return (
    <>
      {position === undefined && children === undefined && <p role="status">{done}</p>}
      {children}
      {position !== undefined && <FollowedWave position={position} />}
      {isAsked && (
        <p class="warned" role="alert">
          {keepFirst}
        </p>
      )}
      <div class="actions">
        {position !== undefined && (
          <a class="button" href={addressOf('revocations', positionText(position))}>
            {texts.revocations.keepWave}
          </a>
        )}
        <button ref={button} type="button" class="main" onClick={onClose}>
          {isShownOnce ? isKept : close}
        </button>
      </div>
    </>
  )
}
