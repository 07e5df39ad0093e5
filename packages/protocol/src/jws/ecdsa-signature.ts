import { Buffer } from 'node:buffer'

/**
 * JWS joins the two integers of an ECDSA signature at fixed length (RFC 7518 section 3.4); OpenSSL
 * wants them as a DER sequence (RFC 3279 section 2.2.3). An integer never has more than 67 octets
 * (P-521 and a zero), so its own length always fits in one.
 */
export function derFromJoined(joined: Buffer): Buffer {
  const half = joined.length / 2
  const rAt = firstDigit(joined, 0, half)
  const sAt = firstDigit(joined, half, joined.length)
  const rLength = half - rAt + signOctet(joined, rAt)
  const sLength = joined.length - sAt + signOctet(joined, sAt)
  const length = 4 + rLength + sLength
  const lengthOctets = length < longLengthMin ? [length] : [longLength, length]
  const der = Buffer.alloc(1 + lengthOctets.length + length)
  der[0] = sequenceTag
  der.set(lengthOctets, 1)
  const end = writeInteger(der, 1 + lengthOctets.length, joined.subarray(rAt, half), rLength)
  writeInteger(der, end, joined.subarray(sAt), sLength)
  return der
}

export function joinedFromDer(der: Buffer, joinedBytes: number): Buffer {
  const joined = Buffer.alloc(joinedBytes)
  const half = joinedBytes / 2
  const rAt = der[1] === longLength ? 5 : 4
  const rLength = der[rAt - 1] ?? 0
  const sAt = rAt + rLength + 2
  const sLength = der[sAt - 1] ?? 0
  copyRightAligned(der.subarray(rAt, rAt + rLength), joined.subarray(0, half))
  copyRightAligned(der.subarray(sAt, sAt + sLength), joined.subarray(half))
  return joined
}

const sequenceTag = 0x30
const integerTag = 0x02
const longLengthMin = 0x80
const longLength = 0x81

/** Leading zeros are no digits; zero itself has one. */
function firstDigit(octets: Buffer, start: number, end: number): number {
  let at = start
  while (at < end - 1 && octets[at] === 0) at += 1
  return at
}

/** DER integers are signed: a leading one bit needs a zero octet before it. */
function signOctet(octets: Buffer, at: number): number {
  return (octets[at] ?? 0) >= 0x80 ? 1 : 0
}

/** Answers where the next one begins. The target is zeroed, so a sign octet is there already. */
function writeInteger(der: Buffer, at: number, digits: Buffer, length: number): number {
  der[at] = integerTag
  der[at + 1] = length
  const end = at + 2 + length
  der.set(digits, end - digits.length)
  return end
}

function copyRightAligned(digits: Buffer, target: Buffer): void {
  const significant = digits.length > target.length ? digits.subarray(-target.length) : digits
  significant.copy(target, target.length - significant.length)
}
