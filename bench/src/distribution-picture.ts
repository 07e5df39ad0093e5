/** What was measured of something, in any order. */
export interface Line {
  readonly name: string
  readonly values: readonly number[]
}

const width = 760
const height = 360
const plot = { left: 56, right: 520, top: 40, bottom: 312 } as const
/** They can be told apart by those who see no red or no green (after Okabe and Ito). */
const colours = ['#0072b2', '#009e73', '#d55e00', '#cc79a7', '#e69f00', '#555555']
const shares = [0, 0.25, 0.5, 0.75, 1]

/** How many of all are done after how long: a picture (SVG) whose time goes up by powers of ten. */
export function distributionPicture(title: string, unit: string, lines: readonly Line[]): string {
  const all = lines.flatMap(({ values }) => values)
  const first = Math.floor(Math.log10(Math.min(...all)))
  const last = Math.ceil(Math.log10(Math.max(...all)))
  const xOf = (value: number): number =>
    plot.left + ((Math.log10(value) - first) / (last - first)) * (plot.right - plot.left)
  const yOf = (share: number): number => plot.bottom - share * (plot.bottom - plot.top)
  const powers = Array.from({ length: last - first + 1 }, (_, step) => 10 ** (first + step))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" role="img" aria-label="${title}">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${plot.left}" y="22" font-size="14" font-weight="bold">${title}</text>`,
    ...powers.map(
      (power) =>
        `<path d="M${at(xOf(power))} ${plot.top}V${plot.bottom}" stroke="#ddd"/>` +
        `<text x="${at(xOf(power))}" y="${plot.bottom + 18}" text-anchor="middle">${power}</text>`,
    ),
    ...shares.map(
      (share) =>
        `<path d="M${plot.left} ${at(yOf(share))}H${plot.right}" stroke="#ddd"/>` +
        `<text x="${plot.left - 8}" y="${at(yOf(share) + 4)}" text-anchor="end">${share * 100} %</text>`,
    ),
    `<text x="${plot.right}" y="${plot.bottom + 36}" text-anchor="end">${unit}</text>`,
    ...lines.flatMap((line, index) => {
      const colour = colours[index % colours.length] ?? '#000'
      const y = plot.top + 12 + index * 22
      return [
        `<path d="${pathOf(line.values, xOf, yOf)}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        `<path d="M${plot.right + 14} ${y - 4}h18" stroke="${colour}" stroke-width="3"/>`,
        `<text x="${plot.right + 38}" y="${y}">${line.name}</text>`,
      ]
    }),
    '</svg>',
    '',
  ].join('\n')
}

/** A step at every hundredth: finer is not seen. */
const steps = 100

function pathOf(
  values: readonly number[],
  xOf: (value: number) => number,
  yOf: (share: number) => number,
): string {
  const sorted = values.toSorted((one, other) => one - other)
  const points = Array.from({ length: steps + 1 }, (_, step) => {
    const share = step / steps
    const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 1
    return `${at(xOf(value))} ${at(yOf(share))}`
  })
  return `M${points.join('L')}`
}

function at(coordinate: number): string {
  return coordinate.toFixed(1)
}
