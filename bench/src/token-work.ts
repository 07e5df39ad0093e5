import type { Verify } from './peers.ts'
import type { Work } from './rounds.ts'
import type { TokenStock } from './token-stock.ts'

/**
 * Verifies one token of the stock after the other, each in a fresh string, in this order or in its own.
 * Refusals throw. An asynchronous verifier is awaited, as in a handler.
 */
export function workOf(verifier: Verify, stock: TokenStock, order?: Uint16Array): Work {
  const indices = order ?? Uint16Array.from({ length: stock.count }, (_, index) => index)
  let at = 0
  const next = (): string => {
    const token = stock.at(indices[at] ?? 0)
    at = at + 1 === indices.length ? 0 : at + 1
    return token
  }
  if (verifier.kind === 'async') {
    const { verify } = verifier
    return {
      work: async (times) => {
        for (let done = 0; done < times; done += 1) await verify(next())
      },
    }
  }
  const { verify } = verifier
  return {
    work: (times) => {
      for (let done = 0; done < times; done += 1) verify(next())
    },
  }
}
