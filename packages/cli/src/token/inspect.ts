import type { JsonObject, JsonValue } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import { printable } from '../printable.ts'
import { decodeJwt, readToken, tokenCharactersMax, unreadable } from './given-token.ts'
import { verdictOn } from './verdict.ts'

export interface InspectOptions {
  readonly json?: true
  readonly audience?: string
}

/** Shows what a token says, and what that means. Anybody can write such a token: nothing is verified. */
export async function runInspect(file: string, options: InspectOptions): Promise<void> {
  const token = await readToken(file)
  const jwt = decodeJwt(token)
  if (jwt === undefined) throw unreadable(token)
  const { header, payload: claims, isSigned } = jwt
  const { refusal, sentence } = verdictOn(jwt, options.audience, Date.now())
  if (options.json === true) {
    const service = { refusal: refusal ?? null, sentence }
    const found = {
      verified: false,
      signed: isSigned,
      characters: token.length,
      header,
      claims,
      service,
    }
    process.stdout.write(`${JSON.stringify(found)}\n`)
    return
  }
  const verdict = refusal === undefined ? sentence : `refused as ${refusal}: ${sentence}`
  process.stdout.write(
    `NOT VERIFIED: anybody can write this. \`token verify\` asks whether it is true.\n` +
      (isSigned ? '' : 'It has no signature at all, and no service may let it in.\n') +
      table([...meanings(header, headerMeanings), ...meanings(claims, claimMeanings)]) +
      `${token.length} of the ${tokenCharactersMax} characters that a service takes.\n` +
      `At ${options.audience ?? 'a service'}${isSigned ? ' that trusts its signature' : ''}: ${printable(verdict)}.\n`,
  )
}

interface Line {
  readonly name: string
  readonly value: string
  readonly meaning: string
}

function table(lines: readonly Line[]): string {
  const width = Math.max(...lines.map(({ name }) => name.length))
  return lines
    .map(
      ({ name, value, meaning }) =>
        `${name.padEnd(width)}  ${value}${meaning && `  (${meaning})`}\n`,
    )
    .join('')
}

type Meaning = string | ((value: JsonValue, others: JsonObject) => string)

function meanings(members: JsonObject, known: ReadonlyMap<string, Meaning>): readonly Line[] {
  return Object.entries(members).map(([name, value = null]) => {
    const meaning = known.get(name) ?? 'not one of ours'
    return {
      name: printable(name),
      value: textOf(value),
      meaning: typeof meaning === 'string' ? meaning : meaning(value, members),
    }
  })
}

function textOf(value: JsonValue | undefined): string {
  return printable(typeof value === 'string' ? value : JSON.stringify(value ?? null))
}

const headerMeanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['alg', 'how it is signed'],
  ['typ', (value) => (value === 'at+jwt' ? 'an access token' : 'not an access token of RFC 9068')],
  ['kid', 'the key that is said to have signed it'],
])

const claimMeanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['iss', 'who is said to have issued it'],
  ['sub', 'the account, or the machine, that it speaks of'],
  ['aud', 'the services that it is for'],
  [
    'client_id',
    // RFC 9068 section 2.2: where nobody has signed in, the client is its own subject.
    (value, { sub }) =>
      value === sub
        ? 'the machine itself: nobody has signed in'
        : 'the client that the person signed in with',
  ],
  ['iat', (value) => `issued ${momentOf(value)}`],
  ['nbf', (value) => `not before ${momentOf(value)}`],
  ['exp', (value) => `${isOver(value) ? 'expired' : 'expires'} ${momentOf(value)}`],
  ['auth_time', (value) => `signed in ${momentOf(value)}`],
  ['jti', 'its own name, by which it can be taken back'],
  ['sid', 'its session'],
  ['gen', 'the generation of the account'],
  ['cgen', 'the generation of the client'],
  ['scope', 'what it allows'],
  ['roles', 'the roles of the account there'],
  ['acr', 'how well the person was authenticated'],
  ['amr', 'how the person was authenticated'],
  ['act', (value) => `acted by ${actorsOf(value).join(', for ')}`],
  ['cnf', 'bound to a key: worthless without it'],
])

function momentOf(value: JsonValue): string {
  const date = new Date(Number(value) * 1000)
  return typeof value !== 'number' || Number.isNaN(date.getTime()) ? '?' : date.toISOString()
}

function isOver(value: JsonValue): boolean {
  return typeof value === 'number' && value * 1000 <= Date.now()
}

function actorsOf(act: JsonValue | undefined): readonly string[] {
  return isJsonObject(act) ? [textOf(act['sub']), ...actorsOf(act['act'])] : []
}
