const redacted = 'redacted'

/*
 * A password stands in the address of a server before an @ or in a parameter. Where it holds characters that
 * are not escaped, a parser sees parts of it elsewhere, or no address at all.
 */

/** Whether an address holds a password, or something that looks like one. */
export function holdsPassword(address: string): boolean {
  if (address.startsWith('sqlite:')) return false
  const url = URL.parse(address)
  if (url === null) return /@|password/i.test(address)
  return isTornApart(url) || url.password !== '' || secretParametersOf(url).length > 0
}

/** The address as it can be shown. */
export function redactPassword(address: string): string {
  if (address.startsWith('sqlite:')) return address
  const url = URL.parse(address)
  if (url === null || isTornApart(url)) return `${/^[a-z]+:/.exec(address)?.[0] ?? ''}${redacted}`
  if (url.password !== '') url.password = redacted
  for (const name of secretParametersOf(url)) url.searchParams.set(name, redacted)
  return url.href
}

function isTornApart({ pathname, search, hash }: URL): boolean {
  return /@/.test(`${pathname}${search}${hash}`)
}

function secretParametersOf({ searchParams }: URL): readonly string[] {
  return [...searchParams.keys()].filter((name) => /password/i.test(name))
}
