import { Buffer } from 'node:buffer'
import { sign } from 'node:crypto'
import type { TestKey } from './test-key.ts'

/** An X.509 certificate (RFC 5280 section 4.1) in DER, of nobody and by nobody: names are empty. */
export function selfSignedCertificate({ publicKey, privateKey }: TestKey): Buffer {
  const isEdwards = publicKey.asymmetricKeyType === 'ed25519'
  const algorithm = der(sequence, ...(algorithmOf.get(publicKey.asymmetricKeyType ?? '') ?? []))
  const nobody = der(sequence)
  const validity = der(sequence, utcTime('260101000000Z'), utcTime('491231235959Z'))
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const serial = der(integer, Buffer.from([1]))
  const signed = der(sequence, serial, algorithm, nobody, validity, nobody, spki)
  const signature = sign(isEdwards ? null : 'sha256', signed, privateKey)
  return der(sequence, signed, algorithm, der(bitString, Buffer.from([0]), signature))
}

const sequence = 0x30
const integer = 0x02
const bitString = 0x03
const nothing = Buffer.from('0500', 'hex')

/** sha256WithRSAEncryption, ecdsa-with-SHA256 and Ed25519 (RFC 8410 section 3). */
const algorithmOf: ReadonlyMap<string, readonly Buffer[]> = new Map([
  ['rsa', [Buffer.from('06092a864886f70d01010b', 'hex'), nothing]],
  ['ec', [Buffer.from('06082a8648ce3d040302', 'hex')]],
  ['ed25519', [Buffer.from('06032b6570', 'hex')]],
])

function utcTime(text: string): Buffer {
  return der(0x17, Buffer.from(text))
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const long = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...(length < 0x80 ? [length] : long)]), content])
}
