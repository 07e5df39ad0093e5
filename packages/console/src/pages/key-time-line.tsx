import type { KeyInfo } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { Badge } from '../elements/badge.tsx'
import type { BadgeKind } from '../elements/badge.tsx'
import { tickingNow } from '../data/now.ts'
import { spanText } from '../text/format.ts'
import { texts } from '../text/texts.ts'

const spanKinds = ['pending', 'active', 'retiring'] as const

interface Span {
  readonly kind: (typeof spanKinds)[number]
  /** Milliseconds from now. */
  readonly from: number
  readonly to: number
}

const kinds: Readonly<Record<string, BadgeKind>> = {
  pending: 'plain',
  active: 'good',
  retiring: 'warning',
  withdrawn: 'bad',
}
const kidShown = 8

/** Enough to tell keys apart; the table beside it has all of it. */
export function shortKid(kid: string): string {
  return kid.length <= kidShown ? kid : `${kid.slice(0, kidShown)}…`
}

export function KeyState({ state }: Pick<KeyInfo, 'state'>): JSX.Element {
  const { states } = texts.keys
  return (
    <Badge kind={kinds[state] ?? 'plain'}>
      {state in states ? states[state as keyof typeof states] : state}
    </Badge>
  )
}

/**
 * Each key a line: what it was, and what becomes of it if nobody steps in. A rotation takes a moment and the time between
 * two of them a month, so the further something is from now, the narrower time is drawn. The table says the same in words.
 */
export function KeyTimeLine({ keys }: { readonly keys: readonly KeyInfo[] }): JSX.Element | null {
  const now = tickingNow()
  const drawn = keys.filter(({ createdAt }) => createdAt !== undefined)
  const lines = drawn.map((key) => ({ key, spans: spansOf(key, keys, now) }))
  const ends = lines.flatMap(({ spans }) => spans.flatMap(({ from, to }) => [from, to]))
  if (ends.length === 0) return null
  const axis = axisOf(Math.min(...ends), Math.max(...ends))
  return (
    <div class="time-line" aria-hidden="true">
      <ul class="legend">
        {spanKinds.map((kind) => (
          <li key={kind}>
            <span class={`key-swatch ${kind}`} /> {texts.keys.legend[kind]}
          </li>
        ))}
        <li>
          <span class="key-swatch active foreseen" /> {texts.keys.legend.foreseen}
        </li>
      </ul>
      {lines.map(({ key, spans }) => (
        <div key={key.kid} class="time-line-key" title={key.kid}>
          <p>
            <code>{shortKid(key.kid)}</code> <KeyState state={key.state} />
          </p>
          <div class="track">
            {spans.map((span) => (
              <SpanOfKey key={`${span.kind} ${span.from}`} span={span} axis={axis} />
            ))}
            <span class="now" style={{ insetInlineStart: `${axis.placeOf(0)}%` }} />
          </div>
        </div>
      ))}
      <Scale axis={axis} />
    </div>
  )
}

function SpanOfKey({ span, axis }: { readonly span: Span; readonly axis: Axis }): JSX.Element {
  const { kind, from, to } = span
  const [start, end] = [axis.placeOf(from), axis.placeOf(to)]
  return (
    <span
      class={`${kind} ${from >= 0 ? 'foreseen' : ''}`}
      style={{ insetInlineStart: `${start}%`, inlineSize: `${end - start}%` }}
    />
  )
}

const minuteMs = 60_000
const scaleMarks = [
  [minuteMs, 'minute', 10],
  [60 * minuteMs, 'hour', 1],
  [24 * 60 * minuteMs, 'day', 1],
  [24 * 60 * minuteMs, 'day', 30],
] as const
/** Where there is room for the words of a mark. */
const [firstPercent, lastPercent, nowPercents] = [4, 97, 8]

function Scale({ axis }: { readonly axis: Axis }): JSX.Element {
  const now = axis.placeOf(0)
  const marks = [-1, 1].flatMap((side) =>
    scaleMarks.map(([ms, unit, count]) => ({
      place: axis.placeOf(side * ms * count),
      words: spanText(side * count, unit),
    })),
  )
  const fitting = marks.filter(
    ({ place }) =>
      place > firstPercent && place < lastPercent && Math.abs(place - now) > nowPercents,
  )
  return (
    <div class="scale">
      {fitting.map(({ place, words }) => (
        <span key={words} style={{ insetInlineStart: `${place}%` }}>
          {words}
        </span>
      ))}
      <strong style={{ insetInlineStart: `${now}%` }}>{texts.keys.now}</strong>
    </div>
  )
}

interface Axis {
  /** In percent of the width; milliseconds are from now. */
  readonly placeOf: (ms: number) => number
}

/** What is past takes at least this much of what is to come. */
const pastShareMin = 0.2
/** So that what comes last ends before the frame does. */
const margin = 1.04

function axisOf(oldest: number, latest: number): Axis {
  const future = distance(Math.max(latest, minuteMs)) * margin
  const past = Math.max(-distance(oldest), future * pastShareMin)
  return { placeOf: (ms) => (100 * (past + distance(ms))) / (past + future) }
}

/** The logarithm of how far away it is. */
function distance(ms: number): number {
  return Math.sign(ms) * Math.log1p(Math.abs(ms) / minuteMs)
}

function spansOf(key: KeyInfo, keys: readonly KeyInfo[], now: number): readonly Span[] {
  const gone = (key.withdrawnAt ?? key.destroyedAt)?.getTime() ?? now
  const made = key.createdAt?.getTime() ?? gone
  const active = key.activatedAt?.getTime() ?? gone
  const retired = key.retiredAt?.getTime() ?? gone
  const was = [
    { kind: 'pending', from: made, to: Math.min(active, gone) },
    { kind: 'active', from: active, to: Math.min(retired, gone) },
    { kind: 'retiring', from: retired, to: gone },
  ] as const
  const spans = [...was, ...prospectOf(key, keys, now)].filter(({ from, to }) => to > from)
  return spans.map(({ kind, from, to }) => ({ kind, from: from - now, to: to - now }))
}

/** A pending key waits for the rotation of the one that signs. */
function prospectOf(key: KeyInfo, keys: readonly KeyInfo[], now: number): readonly Span[] {
  const { state, rotatesAt, keptUntil } = key
  const until = state === 'pending' ? rotationFor(key, keys) : (rotatesAt ?? keptUntil)
  const kind = spanKinds.find((one) => one === state)
  return until === undefined || kind === undefined ? [] : [{ kind, from: now, to: Number(until) }]
}

/** When a pending key takes the place of the one that signs. */
export function rotationFor(key: KeyInfo, keys: readonly KeyInfo[]): Date | undefined {
  const before = keys.find(
    ({ state, purpose, algorithm }) =>
      state === 'active' && purpose === key.purpose && algorithm === key.algorithm,
  )
  return before?.rotatesAt
}
