/**
 * Reads one line of `Forwarded` (RFC 7239 section 4): an element for each proxy, with lower-case names. Undefined for
 * what is not written by its grammar, down to the last character: a client that opens a quotation could otherwise
 * swallow what the proxy appends.
 */
export function readForwarded(line: string): readonly ReadonlyMap<string, string>[] | undefined {
  const elements: Map<string, string>[] = [new Map()]
  let at = 0
  while (at < line.length) {
    pair.lastIndex = at
    const [whole = '', name, value = '', end] = pair.exec(line) ?? []
    const element = elements.at(-1)
    if (name === undefined || element === undefined) return undefined
    // Section 4: each parameter once.
    if (element.has(name.toLowerCase())) return undefined
    element.set(name.toLowerCase(), unquoted(value))
    at += whole.length
    if (end === ',') elements.push(new Map())
    if (end !== '' && at === line.length) return undefined
  }
  return elements
}

/** White space is allowed around the comma only (RFC 9110 section 5.6.1), and met around the semicolon. */
const pair =
  /[ \t]*([\w!#$%&'*+\-.^`|~]+)=([\w!#$%&'*+\-.^`|~:[\]]+|"(?:[^"\\]|\\.)*")[ \t]*([,;]|$)/y

function unquoted(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value
}
