import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { goTo } from '../navigation/route.ts'
import type { Decision } from './decision.tsx'
import { DecisionDialog } from './decision.tsx'

/** What may be done about something: a button for each, which asks before it does it. */
export function Decisions(props: {
  readonly offered: readonly Decision[]
  readonly onDone: () => void
  /** In a row of a list. */
  readonly isSmall?: boolean
}): JSX.Element {
  const { offered, onDone, isSmall = false } = props
  const [chosen, setChosen] = useState<Decision>()
  return (
    <>
      {offered.map((decision) => (
        <button
          key={decision.action}
          type="button"
          class={`${decision.isDangerous === true ? 'danger' : ''}${isSmall ? ' small' : ''}`}
          onClick={() => setChosen(decision)}
        >
          {decision.action}
        </button>
      ))}
      {chosen !== undefined && (
        <DecisionDialog
          decision={chosen}
          onClose={(isDone) => {
            setChosen(undefined)
            if (!isDone) return
            if (chosen.leadsTo === undefined) onDone()
            else goTo(chosen.leadsTo)
          }}
        />
      )}
    </>
  )
}

interface Words {
  readonly action: string
  readonly title: (name: string) => string
  readonly text: string
}

/** A decision about something that people know by its name. It is dangerous unless `more` says otherwise. */
export function offer(
  name: string,
  { action, title, text }: Words,
  run: Decision['run'],
  more: Partial<Decision> = { isDangerous: true },
): Decision {
  return { title: title(name), explanation: text, action, run, ...more }
}

/** Of what takes nothing back: there is no news of it that travels. */
export async function nothingTravels(done: Promise<unknown>): Promise<undefined> {
  await done
}
