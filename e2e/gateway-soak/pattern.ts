import { Buffer } from 'node:buffer'
import { createCipheriv } from 'node:crypto'

/** The longest body that is sent either way. */
export const bodyBytesMax: number = 2 ** 20

const starts = 4096
const zeros = Buffer.alloc(16)

/** The same noise in each process, so that a body is named by where it begins and how long it is. */
const pattern = createCipheriv('aes-128-ctr', zeros, zeros).update(
  Buffer.alloc(bodyBytesMax + starts),
)

/** Octets that no other body has at the same place. */
export function bodyOf(start: number, bytes: number): Buffer {
  const from = start % starts
  return pattern.subarray(from, from + bytes)
}
