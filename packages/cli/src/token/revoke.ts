import type { JsonObject, RevocationPosition } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import { formatPosition } from '@portcullis/protocol/revocations'
import { CommandError } from '../command-error.ts'
import { printable } from '../printable.ts'
import { readAdministrator } from '../remote/credentials.ts'
import type { WaitOptions } from '../remote/receipts.ts'
import { receiptsFor, sayRevoked } from '../remote/receipts.ts'
import { say } from '../remote/said.ts'
import { decodeJwt, readToken } from './given-token.ts'
import type { FormAnswer } from './issuer-form.ts'
import { postForm, wordsOf } from './issuer-form.ts'
import type { IssuerOptions } from './issuer-address.ts'
import { clientsOf, confidentialIssuerOf } from './issuer-address.ts'

export interface RevokeOptions extends IssuerOptions, WaitOptions {
  readonly clientId?: string
}

/** Takes a token back (RFC 7009): as a client of the credentials file, or as a public client by its name. */
export async function runRevoke(file: string, options: RevokeOptions): Promise<void> {
  const token = await readToken(file)
  const takeBack = revocationOf(token, options)
  // Before anything is taken back: whoever cannot be told afterwards is told now.
  const administrator = options.wait === undefined ? undefined : readAdministrator(options)
  const answer = await takeBack()
  const members = membersOf(answer)
  const position = positionOf(members)
  if (position === undefined) {
    return say(options, members, 'nothing to take back: nobody could use this token')
  }
  const sentence = `taken back, at ${printable(formatPosition(position))} of the revocation log`
  if (administrator === undefined) return say(options, members, sentence)
  const revoked = await receiptsFor(administrator, position, options)
  await sayRevoked(options, {}, sentence, revoked)
}

/**
 * Whom to ask, and as which client, is settled at once; the token is taken back when what is answered is called. An
 * issuer that is not ours may answer without a body: RFC 7009 section 2.2 asks for none.
 */
export function revocationOf(token: string, options: RevokeOptions): () => Promise<FormAnswer> {
  const issuer = confidentialIssuerOf(options)
  const form = { token, ...credentialFor(token, options) }
  return async () => {
    const answer = await postForm(issuer, '/revoke', form)
    if (answer.status !== 200) throw refused(answer)
    if (answer.members === undefined && !answer.isEmpty) throw notKnown()
    return answer
  }
}

/** Identity names the position, or answers an object without members where there was nothing to take back. */
function membersOf({ members }: FormAnswer): JsonObject {
  if (members === undefined) throw notKnown()
  const isNothing = Object.keys(members).length === 0
  if (!isNothing && positionOf(members) === undefined) throw notKnown()
  return members
}

function notKnown(): CommandError {
  return new CommandError(
    3,
    'it is not known whether the token was taken back: that is no answer of identity',
    'Check --issuer, and what stands before it; then try again.',
  )
}

function positionOf({ revocation }: JsonObject): RevocationPosition | undefined {
  if (!isJsonObject(revocation)) return undefined
  const { epoch, seq } = revocation
  return typeof epoch === 'string' && typeof seq === 'number' ? { epoch, seq } : undefined
}

type Credential = Readonly<Record<string, string>>

/** The client that the token was issued to, where the file has it; else the only one of the file. */
function credentialFor(token: string, options: RevokeOptions): Credential {
  if (options.clientId !== undefined) return { client_id: options.clientId }
  const clients = clientsOf(options)
  const holder = holderOf(decodeJwt(token)?.payload)
  const client =
    clients.find(({ client_id: id }) => id === holder) ??
    (clients.length === 1 ? clients[0] : undefined)
  if (client !== undefined) {
    return { client_id: client.client_id, client_secret: client.client_secret }
  }
  throw new CommandError(
    2,
    'it is not known as which client to ask',
    'Name its credentials with --credentials FILE, or a public client with --client-id web.',
  )
}

/** Whoever has exchanged it last, or else the client that it began with. */
function holderOf(claims: JsonObject | undefined): unknown {
  const act = claims?.['act']
  return isJsonObject(act) ? act['sub'] : claims?.['client_id']
}

/** RFC 7009 section 2.1: only the client that the token was issued to may take it back. */
function cureOf(error: unknown): string {
  return error === 'invalid_client' || error === 'invalid_grant'
    ? ' Ask as the client that it was issued to: --client-id NAME for a public one such as web, or --credentials FILE with its secret.'
    : ''
}

function refused(answer: FormAnswer): CommandError {
  const message = wordsOf(answer)
  return answer.status >= 500
    ? new CommandError(
        3,
        `identity could not: ${message}`,
        'The token is as good as before; try again.',
      )
    : new CommandError(
        1,
        `refused: ${message}`,
        `Nothing was taken back.${cureOf(answer.members?.['error'])}`,
      )
}
