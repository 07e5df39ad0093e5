import { Buffer } from 'node:buffer'

/** Tokens as they lie in what came from the network: the string is made anew for each request. */
export interface TokenStock {
  readonly count: number
  readonly at: (index: number) => string
}

export function stockOf(tokens: readonly string[]): TokenStock {
  if (tokens.length === 0) throw new TypeError('no token was minted')
  const octets = Buffer.from(tokens.join(''), 'latin1')
  const ends: number[] = []
  for (const token of tokens) ends.push((ends.at(-1) ?? 0) + token.length)
  const offsets = Uint32Array.from([0, ...ends])
  return {
    count: tokens.length,
    at: (index) => octets.toString('latin1', offsets[index], offsets[index + 1]),
  }
}
