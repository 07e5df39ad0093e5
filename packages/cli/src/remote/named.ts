import { ClientError } from '@portcullis/client'
import type { AccountInfo, Administration, ClientInfo } from '@portcullis/client/admin'
import { CommandError } from '../command-error.ts'
import { printable } from '../printable.ts'

/*
 * People know accounts and clients by their names, and what is kept of them has their ids.
 */

/** The account that is called so, or has this id; a `CommandError` when there is none. */
export async function findAccount(
  administration: Pick<Administration, 'accounts'>,
  name: string,
): Promise<AccountInfo> {
  const account = await accountOf(administration, name)
  if (account !== undefined) return account
  const remedy = 'Name its identifier or its id. See: accounts list.'
  throw new CommandError(1, `there is no account ${printable(name)}`, remedy)
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
  const account = await accountOf(administration, name)
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

/** Ids come first: nobody can choose one, while strangers may call themselves like the id of another account. */
export async function accountOf(
  { accounts }: Pick<Administration, 'accounts'>,
  name: string,
): Promise<AccountInfo | undefined> {
  const found = isId(name) ? await accounts.get(name).catch(nothing) : undefined
  return found ?? (await accounts.page({ identifier: name })).items[0]
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

/** What an id is called; the id itself of what is gone, and of what is no account and no client. */
export type NameOf = (id: string) => string

const askedAtOnce = 8

/** Asks what accounts and clients are called of which a list has the ids alone, which say nothing to people. */
export async function namesOf(
  { accounts, clients }: Pick<Administration, 'accounts' | 'clients'>,
  told: readonly (string | undefined)[],
): Promise<NameOf> {
  const nameOf = async (id: string): Promise<string | undefined> =>
    (await accounts.get(id).catch(nothing))?.identifier ??
    (await clientWithId({ clients }, id))?.name
  const ids = Array.from(new Set(told)).filter((id) => id !== undefined && isId(id))
  const names = new Map<string, string>()
  for (let start = 0; start < ids.length; start += askedAtOnce) {
    const asked = ids.slice(start, start + askedAtOnce).map(async (id = '') => {
      const name = await nameOf(id)
      if (name !== undefined) names.set(id, name)
    })
    await Promise.all(asked)
  }
  return (id) => names.get(id) ?? id
}

/** What is known by its id alone: 404 says that there is none. */
export async function orNone<Result>(
  asked: Promise<Result>,
  what: 'key' | 'session' | 'stream',
  id: string,
): Promise<Result> {
  try {
    return await asked
  } catch (error) {
    if (!(error instanceof ClientError) || error.status !== 404) throw error
    throw new CommandError(1, `there is no ${what} ${printable(id)}`, `See: ${what}s list.`)
  }
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
