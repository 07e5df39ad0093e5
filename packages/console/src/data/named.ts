import { administration } from '../session/session.ts'

/* What people type where the API wants an id: they know names. Undefined for what is neither. */

/** 128 random bits in base64url. Ids come first: strangers may call themselves like somebody's id. */
const idPattern = /^[A-Za-z0-9_-]{22}$/
/** The settings file may give clients ids of its own. */
const clientPattern = /^[A-Za-z0-9._-]{1,64}$/
/** Those who act and are no account. */
const actors: ReadonlySet<string> = new Set(['command-line', 'rule'])

/** An id is taken as it is: the record goes on about accounts that are gone. */
export async function idOfAccount(nameOrId: string): Promise<string | undefined> {
  if (idPattern.test(nameOrId)) return nameOrId
  const { items } = await administration.accounts.page({ identifier: nameOrId }, { limit: 1 })
  return items[0]?.id
}

export async function idOfClient(nameOrId: string): Promise<string | undefined> {
  if (!clientPattern.test(nameOrId)) return undefined
  const { items } = await administration.clients.page({ name: nameOrId, limit: 1 })
  return items[0]?.id ?? nameOrId
}

export async function idOfActor(nameOrId: string): Promise<string | undefined> {
  if (actors.has(nameOrId)) return nameOrId
  return (await idOfAccount(nameOrId)) ?? (await idOfClient(nameOrId))
}

/** Of a search: the account with this name, or the only one whose name begins so. */
export async function accountMeant(typed: string): Promise<string> {
  const { items } = await administration.accounts.page({ identifierPrefix: typed }, { limit: 2 })
  const only = items.length === 1 ? items[0] : undefined
  return (items.find(({ identifier }) => identifier === typed) ?? only)?.id ?? typed
}
