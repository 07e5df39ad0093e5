import type { KeyInfo } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useLoaded } from '../data/load.ts'
import { Badge } from '../elements/badge.tsx'
import type { BadgeKind } from '../elements/badge.tsx'
import { DecisionDialog } from '../elements/decision.tsx'
import type { Decision } from '../elements/decision.tsx'
import { Decisions } from '../elements/decisions.tsx'
import { Moment } from '../elements/moment.tsx'
import type { Column } from '../elements/table.tsx'
import { Loaded, Table } from '../elements/table.tsx'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'
import { KeyTimeLine } from './key-time-line.tsx'

const pollSeconds = 10
const goneShownMax = 3
const purposes = ['access-token', 'feed'] as const
const kinds: Readonly<Record<string, BadgeKind>> = {
  pending: 'plain',
  active: 'good',
  retiring: 'warning',
  withdrawn: 'bad',
}

/** The keys that identity signs with, from when they were made until they were gone. */
export function KeysPage(): JSX.Element {
  const loading = useLoaded('keys', () => administration.keys.list(), {
    everySeconds: pollSeconds,
  })
  // Here and not in its row, which changes while the dialog shows how the news travels.
  const [withdrawn, setWithdrawn] = useState<KeyInfo>()
  const { title, text, rotate } = texts.keys
  return (
    <>
      <header class="of-page">
        <h1>{title}</h1>
        <Decisions
          offered={[
            {
              title: rotate.title,
              explanation: rotate.text,
              action: rotate.action,
              isReasonOptional: true,
              run: (reason) =>
                administration.keys.rotate(reason === '' ? {} : { reason }).then(() => undefined),
            },
          ]}
          onDone={loading.reload}
        />
      </header>
      <p class="quiet">{text}</p>
      <Loaded loading={loading}>
        {purposes.map((purpose) => (
          <Purpose
            key={purpose}
            purpose={purpose}
            keys={(loading.value ?? []).filter((one) => one.purpose === purpose)}
            onWithdraw={setWithdrawn}
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
}): JSX.Element {
  const { purpose, keys, onWithdraw } = props
  const name = texts.keys.purposes[purpose]
  const newestFirst = keys.toSorted((one, other) => madeAt(other) - madeAt(one))
  const gone = newestFirst.filter(isGone)
  const shown = newestFirst.filter((key) => !isGone(key) || gone.indexOf(key) < goneShownMax)
  const hidden = newestFirst.length - shown.length
  return (
    <section>
      <h2>{name}</h2>
      <KeyTimeLine keys={shown} />
      <Table
        caption={name}
        columns={columnsWith(onWithdraw)}
        keyOf={({ kid }) => kid}
        items={shown}
      />
      {hidden > 0 && <p class="quiet">{texts.keys.gone(hidden)}</p>}
    </section>
  )
}

function columnsWith(onWithdraw: (key: KeyInfo) => void): readonly Column<KeyInfo>[] {
  const { columns: names, states, shared } = texts.keys
  return [
    { name: names.kid, cell: ({ kid }) => <code>{kid}</code> },
    { name: names.algorithm, cell: ({ algorithm }) => algorithm },
    {
      name: names.state,
      cell: ({ state }) => (
        <Badge kind={kinds[state] ?? 'plain'}>
          {state in states ? states[state as keyof typeof states] : state}
        </Badge>
      ),
    },
    {
      name: names.since,
      cell: (key) => (key.createdAt === undefined ? shared : <Moment at={sinceOf(key)} />),
    },
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

function withdrawalOf({ kid }: KeyInfo): Decision {
  const { withdraw } = texts.keys
  return {
    title: withdraw.title(kid),
    explanation: withdraw.text,
    action: withdraw.action,
    isDangerous: true,
    typed: kid,
    run: async (reason) => {
      const { revocation } = await administration.keys.withdraw(kid, { reason })
      return revocation
    },
  }
}

function isGone({ state }: KeyInfo): boolean {
  return state === 'destroyed' || state === 'withdrawn'
}

function madeAt({ createdAt }: KeyInfo): number {
  return createdAt?.getTime() ?? 0
}

/** When its state began. */
function sinceOf(key: KeyInfo): Date | undefined {
  const { withdrawnAt, destroyedAt, retiredAt, activatedAt, createdAt } = key
  return withdrawnAt ?? destroyedAt ?? retiredAt ?? activatedAt ?? createdAt
}
