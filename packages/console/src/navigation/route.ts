import { signal } from '@preact/signals'

/** Where in the console one is: `#/accounts/<id>?prefix=al`, so that an address can be kept and sent. */
export interface Route {
  readonly page: PageName
  /** What the page is about, where it is about one thing. */
  readonly id: string | undefined
  readonly query: URLSearchParams
}

export const pageNames = [
  'overview',
  'accounts',
  'sessions',
  'clients',
  'keys',
  'revocations',
  'anomalies',
  'audit',
  'streams',
  'settings',
] as const
export type PageName = (typeof pageNames)[number]

export const route = signal<Route>(routeOf(location.hash))

export function followAddress(): void {
  addEventListener('hashchange', () => {
    route.value = routeOf(location.hash)
  })
}

/** The address of a place in the console; members that are undefined or empty are left out. */
export function addressOf(
  page: PageName,
  id?: string,
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1])
  const text = new URLSearchParams(given).toString()
  const place = id === undefined ? page : `${page}/${encodeURIComponent(id)}`
  return `#/${place}${text === '' ? '' : `?${text}`}`
}

/** As if somebody had followed a link there. */
export function goTo(address: string): void {
  location.hash = address
}

/** Changes the query of the page that is shown; no step back leads to what was there before. */
export function narrowTo(query: Readonly<Record<string, string | undefined>>): void {
  const { page, id } = route.value
  history.replaceState(undefined, '', addressOf(page, id, query))
  route.value = routeOf(location.hash)
}

function routeOf(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  const [name, id] = path.split('/')
  const page = pageNames.find((one) => one === name) ?? 'overview'
  return { page, id: decoded(id), query: new URLSearchParams(query) }
}

function decoded(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
