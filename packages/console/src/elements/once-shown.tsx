import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { texts } from '../text/texts.ts'

/** A secret that is nowhere to be seen again: it is to be copied now. */
export function OnceShown(props: { readonly label: string; readonly secret: string }): JSX.Element {
  const { label, secret } = props
  const [isCopied, setCopied] = useState(false)
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(secret)
      setCopied(true)
    } catch {
      // A browser that does not let the page copy still shows it.
      setCopied(false)
    }
  }
  return (
    <div class="once-shown">
      <p>
        <strong>{label}</strong> {texts.decisions.shownOnce}
      </p>
      <div class="actions">
        <code>{secret}</code>
        <button type="button" onClick={() => void copy()}>
          {isCopied ? texts.frame.copied : texts.frame.copy}
        </button>
      </div>
    </div>
  )
}
