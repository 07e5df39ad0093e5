import type { JSX } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { sumOf } from '../data/minutes.ts'
import { appearance } from '../design/appearance.ts'
import { countText, minuteTime } from '../text/format.ts'
import { texts } from '../text/texts.ts'

/** What a line means decides how it looks, by its colour and by its dashes. */
export type LineKind = 'usual' | 'bad' | 'other'

export interface ChartLine {
  readonly name: string
  readonly kind: LineKind
  /** One a minute. */
  readonly counts: readonly number[]
}

export interface ChartProps {
  readonly title: string
  readonly starts: readonly Date[]
  readonly lines: readonly ChartLine[]
}

/** Counts over time. Its legend says the sums, and what was at the minute that somebody points at. */
export function Chart({ title, starts, lines }: ChartProps): JSX.Element {
  const [pointedAt, setPointedAt] = useState<number>()
  const place = usePlot({ title, starts, lines }, setPointedAt)
  const titleId = useId()
  const start = pointedAt === undefined ? undefined : starts[pointedAt]
  return (
    <figure class="chart" aria-labelledby={titleId}>
      <figcaption>
        <h3 id={titleId}>{title}</h3>
        <span class="quiet">
          {start === undefined ? texts.overview.inTheHour : texts.overview.at(minuteTime(start))}
        </span>
      </figcaption>
      <ul class="legend">
        {lines.map(({ name, kind, counts }) => (
          <li key={name}>
            <span class={`swatch ${kind}`} aria-hidden="true" />
            <strong>
              {countText(start === undefined ? sumOf(counts) : (counts[pointedAt ?? 0] ?? 0))}
            </strong>{' '}
            {name}
          </li>
        ))}
      </ul>
      <div ref={place} role="img" aria-label={spoken(starts, lines)} />
    </figure>
  )
}

function spoken(starts: readonly Date[], lines: readonly ChartLine[]): string {
  const sentences = lines.map(({ name, counts }) => {
    const most = Math.max(0, ...counts)
    const start = starts[counts.indexOf(most)]
    const when = start === undefined ? '' : minuteTime(start)
    return most === 0
      ? texts.overview.spokenNone(name)
      : texts.overview.spoken(name, countText(sumOf(counts)), countText(most), when)
  })
  return sentences.join('. ')
}

const heightPixels = 150

function usePlot(
  props: ChartProps,
  onPoint: (index: number | undefined) => void,
): { current: HTMLDivElement | null } {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(null)
  const data = dataOf(props)
  const latest = useRef(data)
  latest.current = data
  const names = props.lines.map(({ name, kind }) => `${kind} ${name}`).join()

  useEffect(() => {
    const element = place.current
    if (element === null) return undefined
    const drawn = new uPlot(optionsOf(element, props.lines, onPoint), latest.current, element)
    plot.current = drawn
    const fit = new ResizeObserver(() => {
      drawn.setSize({ width: element.clientWidth, height: heightPixels })
    })
    fit.observe(element)
    // A canvas does not know the colours of the page.
    const system = matchMedia('(prefers-color-scheme: dark)')
    const recolour = (): void => drawn.redraw(false)
    system.addEventListener('change', recolour)
    return () => {
      fit.disconnect()
      system.removeEventListener('change', recolour)
      drawn.destroy()
    }
  }, [names])
  const shown = appearance.value
  useEffect(() => plot.current?.redraw(false), [shown])
  useEffect(() => plot.current?.setData(data), [JSON.stringify(data)])
  return place
}

function dataOf({ starts, lines }: ChartProps): uPlot.AlignedData {
  return [starts.map((start) => start.getTime() / 1000), ...lines.map(({ counts }) => [...counts])]
}

const colourOf: Readonly<Record<LineKind, string>> = {
  usual: '--accent',
  bad: '--bad',
  other: '--warning',
}
const dashOf: Readonly<Record<LineKind, number[]>> = { usual: [], bad: [5, 3], other: [2, 3] }
/** A scale of its own for one or two of something would make it look like many. */
const highestMin = 4

function optionsOf(
  element: HTMLElement,
  lines: readonly ChartLine[],
  onPoint: (index: number | undefined) => void,
): uPlot.Options {
  const colour = (name: string) => (): string => resolvedColour(element, name)
  const axis: uPlot.Axis = {
    stroke: colour('--quiet'),
    font: '12px system-ui, sans-serif',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  }
  return {
    width: element.clientWidth,
    height: heightPixels,
    // At the right end half a time of the day stands out.
    padding: [8, 34, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? undefined)] },
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(highestMin, max * 1.1)] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 26,
        space: 64,
        values: (_plot, splits) => splits.map((seconds) => minuteTime(new Date(seconds * 1000))),
      },
      {
        ...axis,
        size: (_plot, values) =>
          14 + 7 * Math.max(0, ...(values ?? []).map(({ length }) => length)),
        space: 28,
        incrs: [1, 2, 5].flatMap((n) => decades.map((d) => n * d)).toSorted((a, b) => a - b),
      },
    ],
    series: [
      {},
      ...lines.map(({ name, kind }) => ({
        label: name,
        stroke: colour(colourOf[kind]),
        dash: dashOf[kind],
        width: 1.75,
        points: { show: false },
      })),
    ],
  }
}

const decades = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]

/** The colour as a canvas takes it: `light-dark()` is for style sheets alone. */
function resolvedColour(element: HTMLElement, name: string): string {
  element.style.color = `var(${name})`
  const { color } = getComputedStyle(element)
  element.style.removeProperty('color')
  return color
}
