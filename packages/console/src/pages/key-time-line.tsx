import type { KeyInfo } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { exactly } from '../elements/moment.tsx'
import { texts } from '../text/texts.ts'

interface Span {
  readonly state: 'pending' | 'active' | 'retiring'
  readonly from: number
  readonly to: number
}

/** Each key a line, from when it was made until it was gone or now; the table beside it says the same in words. */
export function KeyTimeLine({ keys }: { readonly keys: readonly KeyInfo[] }): JSX.Element | null {
  const now = Date.now()
  const drawn = keys.filter(({ createdAt }) => createdAt !== undefined)
  const start = Math.min(...drawn.map(({ createdAt }) => createdAt?.getTime() ?? now))
  const length = now - start
  if (drawn.length === 0 || length <= 0) return null
  return (
    <div class="time-line" aria-hidden="true">
      {drawn.map((key) => (
        <div key={key.kid} class="time-line-key" title={key.kid}>
          {spansOf(key, now).map(({ state, from, to }) => (
            <span
              key={state}
              class={state}
              style={{
                insetInlineStart: `${((from - start) / length) * 100}%`,
                inlineSize: `${((to - from) / length) * 100}%`,
              }}
            />
          ))}
        </div>
      ))}
      <p>
        <span>{exactly(new Date(start))}</span>
        <span>{texts.keys.now}</span>
      </p>
    </div>
  )
}

function spansOf(key: KeyInfo, now: number): readonly Span[] {
  const end = (key.withdrawnAt ?? key.destroyedAt)?.getTime() ?? now
  const made = key.createdAt?.getTime() ?? end
  const active = key.activatedAt?.getTime() ?? end
  const retired = key.retiredAt?.getTime() ?? end
  const spans = [
    { state: 'pending', from: made, to: Math.min(active, end) },
    { state: 'active', from: active, to: Math.min(retired, end) },
    { state: 'retiring', from: retired, to: end },
  ] as const
  return spans.filter(({ from, to }) => to > from)
}
