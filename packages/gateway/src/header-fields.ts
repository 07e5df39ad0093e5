export interface HeaderField {
  /** Lower case. */
  readonly name: string
  /** As it came. */
  readonly spelling: string
  readonly value: string
}

/** Node's flat list as fields, in order, with repeats. */
export function headerFields(rawHeaders: readonly string[]): HeaderField[] {
  const fields: HeaderField[] = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const spelling = rawHeaders[at] ?? ''
    fields.push({ spelling, name: spelling.toLowerCase(), value: rawHeaders[at + 1] ?? '' })
  }
  return fields
}
