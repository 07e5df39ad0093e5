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

/** What the frameworks on Node know of a request, under the names that all of them have for it. */
export interface FrameworkRequest {
  readonly method: string
  /** The scheme as the client used it: behind a proxy that is trusted, what the proxy says. */
  readonly protocol: string
  readonly host: string | undefined
  /** The target as it stood in the request line, before any router cut something off. */
  readonly originalUrl: string
}

export function presentedNodeRequest(
  request: FrameworkRequest,
  rawHeaders: readonly string[],
): PresentedRequest {
  const { method } = request
  return { method, url: targetUrl(request), fieldValues: rawFieldValues(rawHeaders) }
}

/**
 * The target URI out of what a framework knows of it (RFC 9112 section 3.3). Not known without a Host,
 * and for a target in another form than a path, which the Host does not belong to.
 */
function targetUrl({ protocol, host, originalUrl }: FrameworkRequest): string | undefined {
  const isKnown = host !== undefined && host !== '' && originalUrl.startsWith('/')
  return isKnown ? `${protocol}://${host}${originalUrl}` : undefined
}

/** A `Headers` object joins fields of one name, so a second Authorization field shows as a comma. */
export function presentedFetchRequest(request: Request): PresentedRequest {
  return {
    method: request.method,
    url: request.url,
    fieldValues: (name) => [request.headers.get(name) ?? []].flat(),
  }
}
