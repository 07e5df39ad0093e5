import type { JSX } from 'preact'
import { useId, useRef, useState } from 'preact/hooks'
import { anchorsIn, anchorsMax } from '../data/anchors.ts'
import { countText } from '../text/format.ts'
import { texts } from '../text/texts.ts'

const words = texts.audit.anchors
const fileBytesMax = 32 * 1024 * 1024

/** Where anchors are pasted that were kept elsewhere, or taken from a file: a list of them, or a log. */
export function AnchorFields(props: {
  readonly text: string
  readonly onChange: (text: string) => void
}): JSX.Element {
  const { text, onChange } = props
  const [fileFault, setFileFault] = useState<string>()
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  const fault = fileFault ?? faultOf(text)
  const count = anchorsIn(text).anchors.length
  const change = (changed: string, ofFile?: string): void => {
    setFileFault(ofFile)
    onChange(changed)
  }
  return (
    <details>
      <summary>{words.summary}</summary>
      <div class="anchors">
        <p>{words.text}</p>
        <div class="field">
          <label for={`${id}-text`}>{words.label}</label>
          <textarea
            id={`${id}-text`}
            rows={4}
            spellcheck={false}
            value={text}
            placeholder={words.shape}
            aria-invalid={fault !== undefined}
            aria-describedby={`${id}-told`}
            onInput={({ currentTarget }) => {
              // They are no longer those of the file.
              if (input.current !== null) input.current.value = ''
              change(currentTarget.value)
            }}
          />
          <p id={`${id}-told`} class={fault === undefined ? 'hint' : 'fault'} role="status">
            {fault ?? (count === 0 ? words.hint : words.found(countText(count), count === 1))}
          </p>
        </div>
        <div class="field">
          <label for={`${id}-file`}>{words.file}</label>
          <input
            ref={input}
            id={`${id}-file`}
            type="file"
            accept=".txt,.log,.json,.jsonl,.ndjson,text/plain"
            onChange={({ currentTarget }) => {
              const file = currentTarget.files?.[0]
              if (file !== undefined) void readAnchors(file).then((read) => change(...read))
            }}
          />
        </div>
      </div>
    </details>
  )
}

/** Why what was given cannot be checked; undefined where it can, or where nothing was given. */
export function faultOf(text: string): string | undefined {
  if (text.trim() === '') return undefined
  const { anchors, unreadable } = anchorsIn(text)
  const [line] = unreadable
  if (line !== undefined) return words.unreadable(countText(line))
  if (anchors.length === 0) return words.none
  return anchors.length > anchorsMax ? words.tooMany(countText(anchorsMax)) : undefined
}

/** The anchors of a file, each in a line, and why there are none. */
async function readAnchors(file: File): Promise<[text: string, fault?: string]> {
  if (file.size > fileBytesMax) return ['', words.fileTooLarge(file.name)]
  try {
    const text = await file.text()
    const { anchors, unreadable } = anchorsIn(text)
    if (unreadable[0] !== undefined) {
      return ['', words.fileUnreadable(file.name, countText(unreadable[0]))]
    }
    return anchors.length === 0 ? ['', words.fileNone(file.name)] : [anchors.join('\n')]
  } catch {
    // Its program has taken it away meanwhile, or it is a folder.
    return ['', words.fileFailed(file.name)]
  }
}
