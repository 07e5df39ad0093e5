const redacted = 'redacted'

/*
 * A password stands in the address of a server before an @ or in a parameter. Where it holds characters that
 * are not escaped, a parser sees parts of it elsewhere, or no address at all. Without one, what stands before the @
 * may be a token, as with NATS; only PostgreSQL has users who show a certificate instead.
 */

/** Whether an address holds a password, or something that looks like one. */
export function holdsPassword(address: string): boolean {
  if (address.startsWith('sqlite:')) return false
  const url = URL.parse(address)
  if (url === null) return /@|password/i.test(address)
  const isSecret = url.password !== '' || isToken(url)
  return isTornApart(url) || isSecret || secretParametersOf(url).length > 0
}

/** The address as it can be shown. */
export function redactPassword(address: string): string {
  if (address.startsWith('sqlite:')) return address
  const url = URL.parse(address)
  if (url === null || isTornApart(url)) return `${/^[a-z]+:/.exec(address)?.[0] ?? ''}${redacted}`
  if (isToken(url)) url.username = redacted
  if (url.password !== '') url.password = redacted
  for (const name of secretParametersOf(url)) url.searchParams.set(name, redacted)
  return url.href
}

function isToken({ protocol, username, password }: URL): boolean {
  return username !== '' && password === '' && !/^postgres(?:ql)?:$/.test(protocol)
}

function isTornApart({ pathname, search, hash }: URL): boolean {
  return /@/.test(`${pathname}${search}${hash}`)
}

function secretParametersOf({ searchParams }: URL): readonly string[] {
  return [...searchParams.keys()].filter((name) => /password/i.test(name))
}
