import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { texts } from '../text/texts.ts'

/** A secret that is nowhere to be seen again, with the id that is needed beside it: to be copied now. */
export function OnceShown(props: {
  readonly label: string
  readonly secret: string
  readonly id: string
}): JSX.Element {
  const { label, secret, id } = props
  const { shownOnce, idBeside, secretBeside } = texts.decisions
  return (
    <div class="once-shown">
      <p>
        <strong>{label}</strong> {shownOnce}
      </p>
      <dl>
        <Copied name={idBeside} value={id} />
        <Copied name={secretBeside} value={secret} isSecret />
      </dl>
    </div>
  )
}

function Copied(props: {
  readonly name: string
  readonly value: string
  readonly isSecret?: boolean
}): JSX.Element {
  const { name, value, isSecret = false } = props
  const [outcome, setOutcome] = useState<'copied' | 'failed'>()
  const button = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (isSecret) button.current?.focus()
  }, [isSecret])
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(value)
      setOutcome('copied')
    } catch {
      // A browser that does not let the page copy still shows it.
      setOutcome('failed')
    }
  }
  const { copy: action, copied, copyNamed, notCopied } = texts.frame
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <code class={isSecret ? 'secret' : undefined}>{value}</code>
        <button
          ref={button}
          type="button"
          class="small"
          aria-label={copyNamed(name)}
          onClick={() => void copy()}
        >
          {action}
        </button>
        <span class="hint" role="status">
          {outcome === 'copied' ? copied : outcome === 'failed' ? notCopied : ''}
        </span>
      </dd>
    </div>
  )
}
