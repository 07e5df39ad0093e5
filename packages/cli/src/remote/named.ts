import { ClientError } from '@portcullis/client'
import type { AccountInfo, Administration, ClientInfo } from '@portcullis/client/admin'
import { CommandError } from '../command-error.ts'
import { printable } from '../printable.ts'

/*
 * People know accounts and clients by their names, and what is kept of them has their ids.
 */

/** The account that is called so; a `CommandError` when there is none. */
export async function findAccount(
  administration: Pick<Administration, 'accounts'>,
  identifier: string,
): Promise<AccountInfo> {
  const account = await accountNamed(administration, identifier)
  if (account !== undefined) return account
  throw new CommandError(1, `there is no account ${printable(identifier)}`, 'Check the identifier.')
}

/** By its name; an id will do as well. */
export async function findClient(
  administration: Pick<Administration, 'clients'>,
  name: string,
): Promise<ClientInfo> {
  const client =
    (await clientNamed(administration, name)) ??
    (isId(name) ? await clientWithId(administration, name) : undefined)
  if (client !== undefined) return client
  throw new CommandError(1, `there is no client ${printable(name)}`, 'See: clients list.')
}

/** An id is taken as it is: the record goes on about accounts that are gone. */
export async function accountIdOf(
  administration: Pick<Administration, 'accounts'>,
  name: string,
): Promise<string> {
  const account = await accountNamed(administration, name)
  return account?.id ?? (isId(name) ? name : (await findAccount(administration, name)).id)
}

/** The same of clients. */
export async function clientIdOf(
  administration: Pick<Administration, 'clients'>,
  name: string,
): Promise<string> {
  const client = await clientNamed(administration, name)
  return client?.id ?? (isId(name) ? name : (await findClient(administration, name)).id)
}

async function accountNamed(
  { accounts }: Pick<Administration, 'accounts'>,
  identifier: string,
): Promise<AccountInfo | undefined> {
  return (await accounts.page({ identifier })).items[0]
}

async function clientNamed(
  { clients }: Pick<Administration, 'clients'>,
  name: string,
): Promise<ClientInfo | undefined> {
  const found = await clients.page({ name }).catch(nothing)
  return found?.items[0]
}

async function clientWithId(
  { clients }: Pick<Administration, 'clients'>,
  id: string,
): Promise<ClientInfo | undefined> {
  return clients.get(id).catch(nothing)
}

/** There is no such thing, or the issuer does not look for what cannot be the name of one. */
function nothing(error: unknown): undefined {
  if (error instanceof ClientError && (error.status === 404 || error.status === 400)) return
  throw error
}

/** 128 random bits in base64url. */
function isId(text: string): boolean {
  return /^[A-Za-z0-9_-]{22}$/.test(text)
}
