import { Buffer } from 'node:buffer'

// FIPS 186-5 (P-256) and RFC 8032 section 5.1 (Ed25519): the orders of the two groups.
const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const ed25519Order = 0x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3edn

/** ECDSA's other valid spelling `(r, n - s)`. */
export function ecdsaTwin(joined: Buffer): Buffer {
  const s = BigInt(`0x${joined.subarray(32).toString('hex')}`)
  return withS(joined, p256Order - s)
}

/** With one of the two integers replaced by zero, or by the order of the curve, out of its range. */
export function withR(joined: Buffer, r: bigint | 'order'): Buffer {
  return Buffer.concat([fromInteger(r === 'order' ? p256Order : r), joined.subarray(32)])
}

export function withS(joined: Buffer, s: bigint | 'order'): Buffer {
  return Buffer.concat([joined.subarray(0, 32), fromInteger(s === 'order' ? p256Order : s)])
}

/** Ed25519 with `S + L`, which RFC 8032 section 5.1.7 refuses. */
export function eddsaLargeS(signature: Buffer): Buffer {
  const s = BigInt(`0x${reversed(signature.subarray(32)).toString('hex')}`)
  return Buffer.concat([signature.subarray(0, 32), reversed(fromInteger(s + ed25519Order))])
}

/** Ed25519 writes integers with the least significant byte first. */
function reversed(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toReversed())
}

function fromInteger(integer: bigint): Buffer {
  return Buffer.from(integer.toString(16).padStart(64, '0'), 'hex')
}
