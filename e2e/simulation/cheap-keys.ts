import type { VerificationKey } from '@portcullis/protocol/jws'
import type { NewKey } from '../../packages/identity/src/domain/key-opening.ts'
import type { KeyLine } from '../../packages/identity/src/domain/key-life.ts'

/** The one algorithm of this world, by the name of a real one. */
export const algorithm = 'ES256'

/**
 * A key pair whose signature costs a microsecond: a keyed hash of what is signed. Nobody in this world tries
 * to break it; who forges does not have the kid's secret, which is the kid itself behind a word.
 */
export function cheapKey(line: KeyLine, kid: string): NewKey {
  const publicJwk = { kid, kty: 'EC', alg: algorithm, use: 'sig' } as const
  return { ...line, kid, publicJwk, kept: 'kept' }
}

export function signCheaply(
  payload: object,
  typ: string,
  kid: string,
  secret: string = kid,
): string {
  const input = `${headerOf(typ, kid)}.${base64url(JSON.stringify(payload))}`
  const signature = Buffer.allocUnsafe(8)
  const { one, other } = sumsOf(input, secret)
  signature.writeInt32BE(one, 0)
  signature.writeInt32BE(other, 4)
  return `${input}.${signature.toString('base64url')}`
}

const headers = new Map<string, string>()

/** The same few are signed with again and again. */
function headerOf(typ: string, kid: string): string {
  const name = `${typ} ${kid}`
  let header = headers.get(name)
  if (header === undefined) {
    if (headers.size > 10_000) headers.clear()
    header = base64url(`{"alg":"${algorithm}","typ":"${typ}","kid":"${kid}"}`)
    headers.set(name, header)
  }
  return header
}

const known = new Map<string, VerificationKey>()

/** The same object for the same kid, as a key set of letters that stay has it. */
export function cheapVerificationKey(kid: string): VerificationKey {
  let key = known.get(kid)
  if (key === undefined) {
    if (known.size > 10_000) known.clear()
    const publicKey = { equals: (other: unknown) => other === publicKey }
    key = {
      kid,
      algorithm: {
        name: algorithm,
        verify: (_publicKey, input, signature) => {
          const { one, other } = sumsOf(input, kid)
          return (
            signature.length === 8 &&
            signature.readInt32BE(0) === one &&
            signature.readInt32BE(4) === other
          )
        },
      },
      publicKey: publicKey as unknown as VerificationKey['publicKey'],
    }
    known.set(kid, key)
  }
  return key
}

interface Sums {
  readonly one: number
  readonly other: number
}

function sumsOf(input: string, secret: string): Sums {
  return sumsFrom(sumsFrom({ one: 0x811c9dc5 | 0, other: 0x9e3779b9 | 0 }, secret), input)
}

function sumsFrom({ one, other }: Sums, text: string): Sums {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    one = Math.imul(one ^ code, 0x01000193)
    other = Math.imul(other + code, 0x85ebca6b) ^ (other >>> 15)
  }
  return { one, other }
}

function base64url(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64url')
}
