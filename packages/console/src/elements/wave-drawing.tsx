import type { Receipts } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useWidth } from '../data/width.ts'
import { measureText } from '../data/text-width.ts'
import { clientName, followerText } from '../revocation/client-names.ts'
import type { Lane } from '../revocation/lanes.ts'
import { lanesOf } from '../revocation/lanes.ts'
import type { Scale } from '../revocation/scale.ts'
import { labelsThatFit, scaleTo } from '../revocation/scale.ts'
import type { PlacedMark } from '../revocation/stacks.ts'
import { stack } from '../revocation/stacks.ts'
import { timedOf } from '../revocation/verdict.ts'
import { ClientName } from './follower-name.tsx'
import { texts } from '../text/texts.ts'

/** So long it takes from 0 to the slowest when it is played. */
const playMs = 1_200
const laneHeightMax = 60
const crowdHeightMax = 200
/** Of the width, beyond the scale. */
const waitingShare = 0.16

/** Each follower at the time it took, drawn from the left as they came. */
export function WaveDrawing({ receipts }: { readonly receipts: Receipts }): JSX.Element {
  const { element, width } = useWidth<HTMLDivElement>()
  const [startedAt] = useState(() => performance.now())
  const { slowestMs, applied, unknown, refusing, isEverywhere } = receipts
  const timed = timedOf(receipts)
  const scale = scaleTo(slowestMs ?? 0)
  const lanes = lanesOf(receipts, (client) => clientName(client) ?? client)
  const hasTimeless = applied > timed
  const waitingWidth = unknown + refusing > 0 || hasTimeless ? (width ?? 0) * waitingShare : 0
  const { drawing, drawingTimeless, duration, notYet, byItself, noTime } = texts.revocations
  const label = slowestMs === undefined ? drawingTimeless : drawing(timed, duration(slowestMs))
  const beyond = hasTimeless ? noTime : unknown > 0 ? notYet : byItself
  const room = { width: (width ?? 0) - waitingWidth, waitingWidth, scale, isLate: unknown > 0 }
  return (
    <div class={`drawing${isEverywhere ? '' : ' travelling'}`} role="img" aria-label={label}>
      {lanes.map((lane) => (
        <LaneDrawing
          key={lane.key}
          lane={lane}
          isOnly={lanes.length === 1}
          room={room}
          startedAt={startedAt}
        />
      ))}
      <div class="lane axis">
        <span class="lane-name" />
        <div class="track" ref={element}>
          {width !== undefined && <Axis room={room} beyond={beyond} />}
        </div>
        <span class="lane-result" />
      </div>
    </div>
  )
}

interface Room {
  readonly width: number
  /** Beyond the scale, for those of whom there is no time. */
  readonly waitingWidth: number
  readonly scale: Scale
  readonly isLate: boolean
}

function LaneDrawing(props: {
  readonly lane: Lane
  readonly isOnly: boolean
  readonly room: Room
  readonly startedAt: number
}): JSX.Element {
  const { lane, isOnly, room, startedAt } = props
  const heightMax = isOnly ? crowdHeightMax : laneHeightMax
  const { placed, diameter, height } = stack(lane.marks, { ...room, heightMax })
  const boxHeight = Math.max(height, 16) + 8
  const isCrowd = lane.key === 'all'
  return (
    <div class={`lane${isCrowd ? ' crowd' : ''}`}>
      {!isCrowd && (
        <span class="lane-name">
          <ClientName id={lane.client} />
          <small>{[lane.software, lane.version].filter(Boolean).join(' ')}</small>
        </span>
      )}
      <div class="track">
        {room.width > 0 && (
          <svg width={room.width + room.waitingWidth} height={boxHeight}>
            <Grid room={room} height={boxHeight} />
            {!isCrowd && (
              <Trail placed={placed} y={boxHeight - 4 - diameter / 2} startedAt={startedAt} />
            )}
            {placed.map((one) => (
              <Dot
                key={`${one.mark.key} ${one.mark.state}`}
                placed={one}
                radius={diameter / 2}
                lift={boxHeight - height - 4}
                startedAt={startedAt}
              />
            ))}
          </svg>
        )}
      </div>
      {!isCrowd && <span class="lane-result">{resultOf(lane)}</span>}
    </div>
  )
}

function resultOf({ marks }: Lane): string {
  const { duration, notYet, byItself, noTime } = texts.revocations
  if (marks.some(({ state }) => state === 'unknown')) return notYet
  if (marks.some(({ state }) => state === 'refusing')) return byItself
  const slowest = Math.max(-1, ...marks.map(({ afterMs }) => afterMs ?? -1))
  return slowest < 0 ? noTime : duration(slowest)
}

/** How far it has come on this line: it grows as fast as the dots appear. */
function Trail(props: {
  readonly placed: readonly PlacedMark[]
  readonly y: number
  readonly startedAt: number
}): JSX.Element | null {
  const timed = props.placed.filter(({ mark }) => mark.afterMs !== undefined)
  const last = timed.toSorted((one, other) => other.x - one.x)[0]
  if (last === undefined) return null
  return <TrailLine startedAt={props.startedAt} share={last.share} x={last.x} y={props.y} />
}

function TrailLine(props: {
  readonly startedAt: number
  readonly share: number
  readonly x: number
  readonly y: number
}): JSX.Element {
  const { startedAt, share, x, y } = props
  // As of the dots: what changes later comes at once.
  const [style] = useState(() => ({
    animationDelay: `${startedAt - performance.now()}ms`,
    animationDuration: `${share * playMs}ms`,
  }))
  return <line class="trail" style={style} x1={0} x2={x} y1={y} y2={y} />
}

function Grid({ room, height }: { readonly room: Room; readonly height: number }): JSX.Element {
  const { scale, width, waitingWidth, isLate } = room
  return (
    <g class="grid">
      {scale.ticksMs.map((ms) => (
        <line key={ms} x1={placeIn(room, ms)} x2={placeIn(room, ms)} y1={0} y2={height} />
      ))}
      {waitingWidth > 0 && (
        <rect
          class={`waiting-room${isLate ? ' late' : ''}`}
          x={width + 4}
          y={0}
          width={waitingWidth - 4}
          height={height}
        />
      )}
    </g>
  )
}

/** Lines are drawn within the picture also at its ends. */
function placeIn({ scale, width }: Pick<Room, 'scale' | 'width'>, ms: number): number {
  return 0.5 + Math.round(scale.placeOf(ms) * (width - 1))
}

function Dot(props: {
  readonly placed: PlacedMark
  readonly radius: number
  /** How far from the top of the picture the stacks begin. */
  readonly lift: number
  readonly startedAt: number
}): JSX.Element {
  const { placed, radius, lift, startedAt } = props
  const { mark, x, share } = placed
  // Once and for all: a delay that changed would play it again. What comes later comes at once.
  const [delayMs] = useState(() =>
    Math.max(0, startedAt + (mark.state === 'applied' ? share * playMs : 0) - performance.now()),
  )
  const y = placed.y + lift
  const title = mark.receipt && <title>{titleOf(mark.receipt)}</title>
  const style = { animationDelay: `${delayMs}ms` }
  if (mark.state === 'refusing') {
    const side = radius * 1.7
    return (
      <rect
        class="dot refusing"
        style={style}
        x={x - side / 2}
        y={y - side / 2}
        width={side}
        height={side}
      >
        {title}
      </rect>
    )
  }
  const isRing = mark.state === 'unknown'
  return (
    <circle class={`dot ${mark.state}`} style={style} cx={x} cy={y} r={radius - (isRing ? 1 : 0)}>
      {title}
    </circle>
  )
}

function titleOf(receipt: NonNullable<PlacedMark['mark']['receipt']>): string {
  const { state, afterMs } = receipt
  const { states, duration } = texts.revocations
  const outcome = afterMs === undefined ? states[state] : duration(afterMs)
  return `${followerText(receipt)}: ${outcome}`
}

const axisHeight = 20

function Axis(props: { readonly room: Room; readonly beyond: string }): JSX.Element {
  const { room, beyond } = props
  const { scale, width, waitingWidth } = room
  const labels = scale.ticksMs.map((ms) => {
    const text = ms === 0 ? '0' : texts.revocations.duration(ms)
    const wide = measureText(text, axisLetters)
    const middle = placeIn(room, ms)
    const from = Math.min(Math.max(0, middle - wide / 2), width - wide)
    return { text, from, to: from + wide }
  })
  return (
    <svg width={width + waitingWidth} height={axisHeight} aria-hidden="true">
      {labelsThatFit(labels).map(({ text, from }) => (
        <text key={text} x={from} y={14}>
          {text}
        </text>
      ))}
      {waitingWidth > 0 && (
        <text x={width + waitingWidth / 2 + 4} y={14} text-anchor="middle">
          {beyond}
        </text>
      )}
    </svg>
  )
}

/** As design/wave.css has them. */
const axisLetters = { sizeRem: 0.75 }
