import { revocationsScope } from '@portcullis/protocol'
import type { Verifier, VerifierOptions } from '@portcullis/verify'
import { createVerifier, VerifyError } from '@portcullis/verify'
import { CommandError } from '../command-error.ts'
import type { FileClient } from '../credentials-file.ts'
import { printable } from '../printable.ts'
import { decodeJwt, readToken, unreadable } from './given-token.ts'
import type { IssuerOptions } from './issuer-address.ts'
import { clientsOf, issuerOf } from './issuer-address.ts'

export interface VerifyOptions extends IssuerOptions {
  readonly audience?: string
}

/** Verifies a token as a service would that has just started: by the issuer's keys and its revocation feed. */
export async function runVerify(file: string, options: VerifyOptions): Promise<void> {
  const token = await readToken(file)
  const issuer = issuerOf(options)
  const audience = options.audience ?? claimedAudience(token)
  const reader = clientsOf(options).find(({ scope }) => scope.split(' ').includes(revocationsScope))
  const follows = reader !== undefined || issuer.startsWith('http:')
  const verifier = createOrExplain({ issuer, audience, ...revocation(follows, reader) })
  try {
    await verifier.ready()
    const { claims } = await verifier.verify(token)
    const found = { valid: true, audience, revocation: follows ? 'followed' : 'unknown', claims }
    process.stdout.write(
      options.json === true
        ? `${JSON.stringify(found)}\n`
        : `valid: the service ${printable(audience)} lets it in until ${new Date(claims.exp * 1000).toISOString()}\n` +
            (follows ? '' : `${unfollowed}\n`),
    )
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error
    explain(error, audience, options)
  } finally {
    await verifier.close()
  }
}

const unfollowed =
  'Whether it was taken back is not known: name a client with the scope revocations.read by --credentials.'

function revocation(
  follows: boolean,
  reader: FileClient | undefined,
): Pick<VerifierOptions, 'client' | 'revocation'> {
  if (!follows) return { revocation: 'untilExpiry' }
  return reader === undefined
    ? {}
    : { client: { id: reader.client_id, secret: reader.client_secret } }
}

function createOrExplain(options: VerifierOptions): Verifier<undefined> {
  try {
    return createVerifier(options)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new CommandError(2, error.message, 'Write --issuer as identity has it in its settings.')
  }
}

/** The first, as a service of that name would expect itself. */
function claimedAudience(token: string): string {
  const jwt = decodeJwt(token)
  if (jwt === undefined) throw unreadable(token)
  const [first]: unknown[] = [jwt.payload['aud']].flat()
  if (typeof first === 'string' && first !== '') return first
  throw new CommandError(
    1,
    'the token names no audience',
    'Say for which service: --audience NAME.',
  )
}

function explain(error: VerifyError, audience: string, { json }: VerifyOptions): never {
  const { code, reason, status, message, challenge } = error
  const isUnreachable = status === 503 && code !== 'client-refused'
  if (json === true) {
    const found = { valid: false, audience, code, reason, status, message }
    process.stdout.write(`${JSON.stringify(found)}\n`)
  }
  if (isUnreachable) throw new CommandError(3, message, 'Check --issuer, and that identity runs.')
  if (code === 'client-refused') throw new CommandError(1, message, 'Check the credentials file.')
  const answer = challenge === undefined ? String(status) : `${status}, ${challenge}`
  const why = reason === undefined ? message : `${message} (${reason})`
  throw new CommandError(
    1,
    printable(`refused: ${why}`),
    printable(`The service ${audience} would answer ${answer}`),
  )
}
