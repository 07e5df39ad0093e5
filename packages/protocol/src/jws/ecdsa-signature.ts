import { Buffer } from 'node:buffer'

/**
 * JWS joins the two integers of an ECDSA signature at fixed length (RFC 7518 section 3.4); OpenSSL
 * wants them as a DER sequence (RFC 3279 section 2.2.3). For curves up to 256 bits every DER length
 * fits in one byte.
 */
export function derFromJoined(joined: Buffer): Buffer {
  const half = joined.length / 2
  const r = derInteger(joined.subarray(0, half))
  const s = derInteger(joined.subarray(half))
  return Buffer.concat([Buffer.from([0x30, r.length + s.length]), r, s])
}

export function joinedFromDer(der: Buffer, joinedBytes: number): Buffer {
  const joined = Buffer.alloc(joinedBytes)
  const half = joinedBytes / 2
  const rLength = der[3] ?? 0
  const sLength = der[5 + rLength] ?? 0
  copyRightAligned(der.subarray(4, 4 + rLength), joined.subarray(0, half))
  copyRightAligned(der.subarray(6 + rLength, 6 + rLength + sLength), joined.subarray(half))
  return joined
}

function derInteger(unsigned: Buffer): Buffer {
  let start = 0
  while (start < unsigned.length - 1 && unsigned[start] === 0) start += 1
  const digits = unsigned.subarray(start)
  // DER integers are signed: a leading one bit needs a zero byte before it.
  const prefix = (digits[0] ?? 0) >= 0x80 ? [0] : []
  return Buffer.concat([Buffer.from([0x02, prefix.length + digits.length, ...prefix]), digits])
}

function copyRightAligned(digits: Buffer, target: Buffer): void {
  const significant = digits.length > target.length ? digits.subarray(-target.length) : digits
  significant.copy(target, target.length - significant.length)
}
