import type { Receipts } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { useId, useState } from 'preact/hooks'
import { useWidth } from '../data/width.ts'
import { clientName } from '../revocation/client-names.ts'
import type { Lane } from '../revocation/lanes.ts'
import { lanesOf } from '../revocation/lanes.ts'
import type { Scale } from '../revocation/scale.ts'
import { scaleTo } from '../revocation/scale.ts'
import type { PlacedMark } from '../revocation/stacks.ts'
import { stack } from '../revocation/stacks.ts'
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
  const { slowestMs, applied, isEverywhere } = receipts
  const scale = scaleTo(slowestMs ?? 0)
  const lanes = lanesOf(receipts)
  const isWaiting = receipts.unknown + receipts.refusing > 0
  const waitingWidth = isWaiting ? (width ?? 0) * waitingShare : 0
  const { drawing, drawingNobody, duration } = texts.revocations
  const label = slowestMs === undefined ? drawingNobody : drawing(applied, duration(slowestMs))
  return (
    <div class={`drawing${isEverywhere ? '' : ' travelling'}`} role="img" aria-label={label}>
      {lanes.map((lane) => (
        <LaneDrawing
          key={lane.key}
          lane={lane}
          isOnly={lanes.length === 1}
          room={{ width: (width ?? 0) - waitingWidth, waitingWidth, scale }}
          startedAt={startedAt}
        />
      ))}
      <div class="lane axis">
        <span class="lane-name" />
        <div class="track" ref={element}>
          {width !== undefined && (
            <Axis scale={scale} width={width - waitingWidth} waitingWidth={waitingWidth} />
          )}
        </div>
        <span class="lane-result" />
      </div>
    </div>
  )
}

interface Room {
  readonly width: number
  readonly waitingWidth: number
  readonly scale: Scale
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
  const { duration, notYet, states } = texts.revocations
  if (marks.some(({ state }) => state === 'unknown')) return notYet
  const slowest = Math.max(-1, ...marks.map(({ afterMs }) => afterMs ?? -1))
  return slowest < 0 ? states.refusing : duration(slowest)
}

function Grid({ room, height }: { readonly room: Room; readonly height: number }): JSX.Element {
  const { scale, width, waitingWidth } = room
  return (
    <g class="grid">
      {scale.ticksMs.map((ms) => (
        <line key={ms} x1={placeIn(room, ms)} x2={placeIn(room, ms)} y1={0} y2={height} />
      ))}
      {waitingWidth > 0 && (
        <rect class="waiting-room" x={width + 4} y={0} width={waitingWidth - 4} height={height} />
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
  const { client, follower, state, afterMs } = receipt
  const { states, duration, followers } = texts.revocations
  const outcome = afterMs === undefined ? states[state] : duration(afterMs)
  const name = client === undefined ? followers.noClient : (clientName(client) ?? client)
  return `${name} ${follower.slice(0, 6)}: ${outcome}`
}

const labelWidth = 44

function Axis({ scale, width, waitingWidth }: Room): JSX.Element {
  const { duration, notYet } = texts.revocations
  const id = useId()
  // A phone has no room for each.
  const every = Math.ceil((scale.ticksMs.length * labelWidth) / Math.max(1, width))
  const last = scale.ticksMs.length - 1
  return (
    <svg width={width + waitingWidth} height={20} aria-hidden="true">
      {scale.ticksMs.map((ms, at) =>
        at % every === 0 || at === last ? (
          <text
            key={`${id}${ms}`}
            x={placeIn({ scale, width }, ms)}
            y={14}
            text-anchor={at === 0 ? 'start' : at === last ? 'end' : 'middle'}
          >
            {at === 0 ? '0' : duration(ms)}
          </text>
        ) : null,
      )}
      {waitingWidth > 0 && (
        <text x={width + waitingWidth / 2 + 4} y={14} text-anchor="middle">
          {notYet}
        </text>
      )}
    </svg>
  )
}
