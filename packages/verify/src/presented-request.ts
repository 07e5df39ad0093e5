/** What authentication looks at in a request, whatever framework it came through. */
export interface PresentedRequest {
  /** As it stood in the request line: methods are case-sensitive (RFC 9110 section 9.1). */
  readonly method: string
  /** The target URI as the client used it (scheme, host, path, query); undefined when it is not known. */
  readonly url: string | undefined
  /** All values of the header fields of that (lower-case) name, in order. */
  readonly fieldValues: (name: string) => readonly string[]
}

/**
 * The fields of a request as Node read it, from `request.rawHeaders`: all of them, while
 * `request.headers` keeps only the first of some.
 */
export function rawFieldValues(rawHeaders: readonly string[]): PresentedRequest['fieldValues'] {
  return (name) =>
    rawHeaders.filter((_value, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name)
}

/**
 * The target URI out of what a framework knows of it (RFC 9112 section 3.3). Not known without a Host,
 * and for a target in another form than a path, which the Host does not belong to.
 */
export function targetUrl(
  scheme: string,
  host: string | undefined,
  target: string,
): string | undefined {
  const isKnown = host !== undefined && host !== '' && target.startsWith('/')
  return isKnown ? `${scheme}://${host}${target}` : undefined
}

/** A `Headers` object joins fields of one name, so a second Authorization field shows as a comma. */
export function presentedFetchRequest(request: Request): PresentedRequest {
  return {
    method: request.method,
    url: request.url,
    fieldValues: (name) => [request.headers.get(name) ?? []].flat(),
  }
}
