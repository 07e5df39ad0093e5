import { CommandError } from '../command-error.ts'
import type { FileClient } from '../credentials-file.ts'
import type { IssuerOptions } from './issuer-address.ts'
import { clientsOf, confidentialIssuerOf } from './issuer-address.ts'
import { postForm, wordsOf } from './issuer-form.ts'

export interface ClientTokenOptions extends IssuerOptions {
  /** Which of several clients of the file. */
  readonly clientId?: string
}

/** A token for a client of the credentials file (RFC 6749 section 4.4), with all that it may have. */
export async function readClientToken(options: ClientTokenOptions): Promise<string> {
  const issuer = confidentialIssuerOf(options)
  const { client_id: id, client_secret: secret } = chosenClient(options)
  const form = { grant_type: 'client_credentials', client_id: id, client_secret: secret }
  const answer = await postForm(issuer, '/token', form)
  const token = answer.members?.['access_token']
  if (answer.status === 200 && typeof token === 'string') return token
  const isDown = answer.status >= 500
  throw new CommandError(
    isDown ? 3 : 1,
    `identity gave no token: ${wordsOf(answer)}`,
    isDown ? 'Try again.' : 'Check the client of --credentials, and that it may ask for itself.',
  )
}

function chosenClient(options: ClientTokenOptions): FileClient {
  const { clientId } = options
  const clients = clientsOf(options)
  const fitting = clients.filter(({ client_id: id }) => clientId === undefined || id === clientId)
  const [client, ...others] = fitting
  if (client !== undefined && others.length === 0) return client
  throw new CommandError(
    2,
    `the credentials have ${fitting.length === 0 ? 'no such client' : 'several clients'}`,
    'Name a file with one by --credentials FILE, or one of them by --client-id NAME.',
  )
}
