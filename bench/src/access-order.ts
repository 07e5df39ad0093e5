/** `zipf`: the token of rank r comes up 1/r as often as the first; `uniform`: all equally often. */
export type AccessPattern = 'zipf' | 'uniform'

/** Long enough that no cache profits from its end. */
const orderLength = 1 << 17
/** Any; the same in each run. */
const seed = 0x9e37_79b9

/** The indices of requests, the same at each run. Popular ones lie anywhere among the others. */
export function seededOrder(pattern: AccessPattern, count: number): Uint16Array {
  const random = seededRandom(seed)
  const places = shuffled(count, random)
  const pick = pattern === 'zipf' ? zipfRank(count, random) : () => Math.floor(random() * count)
  return Uint16Array.from({ length: orderLength }, () => places[pick()] ?? 0)
}

function zipfRank(count: number, random: () => number): () => number {
  const sums: number[] = []
  for (let rank = 1; rank <= count; rank += 1) sums.push((sums.at(-1) ?? 0) + 1 / rank)
  const total = sums.at(-1) ?? 0
  return () => {
    const wanted = random() * total
    let low = 0
    let high = count - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sums[middle] ?? 0) < wanted) low = middle + 1
      else high = middle
    }
    return low
  }
}

function shuffled(count: number, random: () => number): Uint16Array {
  const places = Uint16Array.from({ length: count }, (_, index) => index)
  for (let last = count - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1))
    const moved = places[last] ?? 0
    places[last] = places[other] ?? 0
    places[other] = moved
  }
  return places
}

/** Marsaglia's xorshift32: chance that can be had again. */
function seededRandom(start: number): () => number {
  let state = start | 0
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}
