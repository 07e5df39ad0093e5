import type { Batch } from './grammar.ts'
import type { Sketch } from './oddities.ts'

/** How often something smaller is tried. */
const triesMax = 300

/** The least of a batch that fails as well: fewer requests, fewer lines, less of a body, in one piece. */
export async function shrink(
  batch: Batch,
  fails: (batch: Batch) => Promise<boolean>,
): Promise<Batch> {
  let least = batch
  let tries = 0
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false
    for (const candidate of smallerThan(least)) {
      tries += 1
      if (tries > triesMax) return least
      if (!(await fails(candidate))) continue
      least = candidate
      isSmaller = true
      break
    }
  }
  return least
}

function* smallerThan(batch: Batch): Generator<Batch> {
  const { sketches } = batch
  if (batch.pieces > 1) yield { ...batch, pieces: 1 }
  if (batch.isCut) yield { ...batch, isCut: false }
  for (const at of sketches.keys()) {
    if (sketches.length > 1) yield { ...batch, sketches: sketches.toSpliced(at, 1) }
  }
  for (const [at, sketch] of sketches.entries()) {
    for (const smaller of smallerSketches(sketch)) {
      yield { ...batch, sketches: sketches.toSpliced(at, 1, smaller) }
    }
  }
}

function* smallerSketches(sketch: Sketch): Generator<Sketch> {
  const { lines, body, behind, before, target } = sketch
  if (behind !== '') yield { ...sketch, behind: '' }
  if (before !== '') yield { ...sketch, before: '' }
  for (const [at, line] of lines.entries()) {
    if (!line.startsWith('X-Tag:')) yield { ...sketch, lines: lines.toSpliced(at, 1) }
  }
  const length = lines.findIndex((line) => /^content-length: *\d+$/i.test(line))
  if (length !== -1 && body !== '') {
    const half = body.slice(0, Math.floor(body.length / 2))
    yield {
      ...sketch,
      body: half,
      lines: lines.toSpliced(length, 1, `Content-Length: ${half.length}`),
    }
  }
  const cut = target.indexOf('?')
  if (cut !== -1) yield { ...sketch, target: target.slice(0, cut) }
}
