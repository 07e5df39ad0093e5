import type { KeyInfo } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLoaded } from '../data/load.ts'
import { tickingNow } from '../data/now.ts'
import { DecisionDialog } from '../elements/decision.tsx'
import type { Decision } from '../elements/decision.tsx'
import { Facts } from '../elements/facts.tsx'
import { Loaded } from '../elements/loaded.tsx'
import { Moment } from '../elements/moment.tsx'
import type { Column } from '../elements/table.tsx'
import { Table } from '../elements/table.tsx'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'
import { KeyRotation } from './key-rotation.tsx'
import { KeyState, KeyTimeLine, rotationFor } from './key-time-line.tsx'

const pollSeconds = 10
const goneShownMax = 3
const purposes = ['access-token', 'feed'] as const

/** The keys that identity signs with, from when they were made until they were gone. */
export function KeysPage(): JSX.Element {
  const loading = useLoaded('keys', () => administration.keys.list(), {
    everySeconds: pollSeconds,
  })
  // Here and not in its row, which changes while the dialog shows how the news travels.
  const [withdrawn, setWithdrawn] = useState<KeyInfo>()
  const { title, text } = texts.keys
  return (
    <>
      <h1>{title}</h1>
      <p class="quiet">{text}</p>
      <Loaded loading={loading}>
        {purposes.map((purpose) => (
          <Purpose
            key={purpose}
            purpose={purpose}
            keys={(loading.value ?? []).filter((one) => one.purpose === purpose)}
            onWithdraw={setWithdrawn}
            onDone={loading.reload}
          />
        ))}
      </Loaded>
      {withdrawn !== undefined && (
        <DecisionDialog
          decision={withdrawalOf(withdrawn)}
          onClose={(isDone) => {
            setWithdrawn(undefined)
            if (isDone) loading.reload()
          }}
        />
      )}
    </>
  )
}

function Purpose(props: {
  readonly purpose: (typeof purposes)[number]
  readonly keys: readonly KeyInfo[]
  readonly onWithdraw: (key: KeyInfo) => void
  readonly onDone: () => void
}): JSX.Element {
  const { purpose, keys, onWithdraw, onDone } = props
  const name = texts.keys.purposes[purpose]
  const newestFirst = keys.toSorted(
    (one, other) => rankOf(one) - rankOf(other) || madeAt(other) - madeAt(one),
  )
  const gone = newestFirst.filter(isGone)
  const shown = newestFirst.filter((key) => !isGone(key) || gone.indexOf(key) < goneShownMax)
  const hidden = newestFirst.length - shown.length
  return (
    <section>
      <header class="of-page">
        <h2>{name}</h2>
        <KeyRotation purpose={purpose} keys={keys} onDone={onDone} />
      </header>
      <KeyTimeLine keys={shown} />
      <Table
        caption={name}
        columns={columnsWith(keys, onWithdraw)}
        keyOf={({ kid }) => kid}
        items={shown}
      />
      {hidden > 0 && <p class="quiet">{texts.keys.gone(hidden)}</p>}
    </section>
  )
}

function columnsWith(
  keys: readonly KeyInfo[],
  onWithdraw: (key: KeyInfo) => void,
): readonly Column<KeyInfo>[] {
  const { columns: names, shared } = texts.keys
  return [
    {
      name: names.kid,
      cell: ({ kid, algorithm }) => (
        <div>
          <code class="kid">{kid}</code>
          <p class="hint">{algorithm}</p>
        </div>
      ),
      isWide: true,
    },
    { name: names.state, cell: ({ state }) => <KeyState state={state} /> },
    {
      name: names.since,
      cell: (key) => (key.createdAt === undefined ? shared : <Moment at={sinceOf(key)} />),
    },
    { name: names.next, cell: (one) => <Next of={one} among={keys} /> },
    {
      name: names.actions,
      cell: (key) =>
        isGone(key) || key.createdAt === undefined ? undefined : (
          <button type="button" class="danger small" onClick={() => onWithdraw(key)}>
            {texts.keys.withdraw.action}
          </button>
        ),
    },
  ]
}

/** What becomes of it if nobody steps in. */
function Next(props: { readonly of: KeyInfo; readonly among: readonly KeyInfo[] }): JSX.Element {
  const { of: key, among } = props
  const { next } = texts.keys
  const { rotatesAt, keptUntil, maySignAt } = key
  const turn = rotationFor(key, among)
  const isWaiting = maySignAt !== undefined && maySignAt.getTime() > tickingNow()
  if (rotatesAt !== undefined) return <Told text={next.replaced} at={rotatesAt} />
  if (keptUntil !== undefined) return <Told text={next.gone} at={keptUntil} />
  if (key.state !== 'pending') return <span class="quiet">{next.nothing}</span>
  return (
    <div>
      {isWaiting && <Told text={next.maySign} at={maySignAt} />}
      {turn !== undefined && <Told text={next.signs} at={turn} />}
    </div>
  )
}

function Told({ text, at }: { readonly text: string; readonly at: Date }): JSX.Element {
  return (
    <div class="told">
      {text} <Moment at={at} />
    </div>
  )
}

/** Enough to look at the key once more, and no more than one types. */
const typedOfKid = 6

function withdrawalOf(key: KeyInfo): Decision {
  const { withdraw, columns: names, states } = texts.keys
  const { kid, purpose, algorithm, state } = key
  return {
    title: withdraw.title,
    about: (
      <Facts
        facts={[
          [names.kid, <code>{kid}</code>, 'long'],
          [names.state, state in states ? states[state as keyof typeof states] : state],
          [names.algorithm, algorithm],
          [names.since, <Moment at={sinceOf(key)} />],
        ]}
      />
    ),
    explanation: withdraw.text,
    warning: withdraw.follows[purpose]?.[state],
    action: withdraw.action,
    isDangerous: true,
    typed: kid.slice(0, typedOfKid),
    ...(purpose === 'feed' && { outcome: <p role="status">{withdraw.done}</p> }),
    run: async (reason) => {
      const { revocation } = await administration.keys.withdraw(kid, { reason })
      return revocation
    },
  }
}

function isGone({ state }: Pick<KeyInfo, 'state'>): boolean {
  return state === 'destroyed' || state === 'withdrawn'
}

/** The one that signs, the one after it, and those before. */
function rankOf({ state }: KeyInfo): number {
  return ['active', 'pending', 'retiring'].indexOf(state) + (isGone({ state }) ? 4 : 0)
}

function madeAt({ createdAt }: KeyInfo): number {
  return createdAt?.getTime() ?? 0
}

/** When its state began. */
function sinceOf(key: KeyInfo): Date | undefined {
  const { withdrawnAt, destroyedAt, retiredAt, activatedAt, createdAt } = key
  return withdrawnAt ?? destroyedAt ?? retiredAt ?? activatedAt ?? createdAt
}
