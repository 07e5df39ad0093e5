/** Where a text stops being JSON (RFC 8259), and what is the matter there: in no case a letter or a digit of it. */
export interface JsonFault {
  /** Both from 1 on. */
  readonly line: number
  readonly column: number
  readonly what: string
}

/** Undefined for what is JSON. */
export function findJsonFault(text: string): JsonFault | undefined {
  const found = scan(text)
  if (found === undefined) return undefined
  const before = text.slice(0, found.at)
  const line = before.split('\n').length
  return { line, column: found.at - before.lastIndexOf('\n'), what: found.what }
}

interface Found {
  readonly at: number
  readonly what: string
}

type Expected = 'value' | 'value or ]' | 'name' | 'name or }' | ':' | ', or end'

interface Open {
  readonly at: number
  readonly closer: '}' | ']'
}

/** What has been read, and what may come now. */
interface State {
  readonly text: string
  readonly open: Open[]
  expected: Expected
  /** Where the token before begins and ends. */
  before: { readonly at: number; readonly end: number }
}

// RFC 8259 section 7: control characters are the ones that a text may not hold.
const token =
  // eslint-disable-next-line no-control-regex
  /[{}[\],:]|"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])|(?:true|false|null)(?!\w)/y

function scan(text: string): Found | undefined {
  const state: State = { text, open: [], expected: 'value', before: { at: 0, end: 0 } }
  for (let at = skipSpace(text, 0); at < text.length; at = skipSpace(text, state.before.end)) {
    token.lastIndex = at
    const [found] = token.exec(text) ?? []
    const what = found === undefined ? whatIsNone(text, at) : undefined
    if (what !== undefined) return { at, what }
    const fault = take(state, found ?? '', at)
    if (fault !== undefined) return fault
    state.before = { at, end: at + (found ?? '').length }
  }
  return atEnd(state)
}

/** RFC 8259 section 2. */
function skipSpace(text: string, from: number): number {
  let at = from
  while (/[ \t\n\r]/.test(text[at] ?? '')) at += 1
  return at
}

function atEnd({ text, open, expected, before }: State): Found | undefined {
  const inner = open.at(-1)
  if (inner !== undefined)
    return { at: inner.at, what: `what begins here is not closed: ${inner.closer} is missing` }
  return expected === 'value'
    ? { at: Math.max(before.end, text.length), what: 'there is nothing' }
    : undefined
}

/** What stands there and is no token of JSON. */
function whatIsNone(text: string, at: number): string {
  const rest = text.slice(at, at + 2)
  if (/^(?:\/\/|\/\*|#)/.test(rest)) return 'a comment begins, and JSON has none'
  if (rest.startsWith('"'))
    return 'a text begins that does not end in its line, or has an escape that JSON does not have'
  if (rest.startsWith("'")) return 'a text begins with \', and JSON has only "'
  if (/^[-+.\d]/.test(rest)) return 'a number begins that JSON does not have'
  if (/^\p{L}|^[_$]/u.test(rest)) return 'a word begins that is not in double quotes'
  return rest.startsWith('\ufeff')
    ? 'a byte order mark stands before the text'
    : 'a character stands that JSON does not have there'
}

function take(state: State, found: string, at: number): Found | undefined {
  switch (found) {
    case '}':
    case ']':
      return close(state, found, at)
    case ',':
      if (state.expected !== ', or end' || state.open.length === 0) return misplaced(state, at, ',')
      state.expected = state.open.at(-1)?.closer === '}' ? 'name' : 'value'
      return undefined
    case ':':
      if (state.expected !== ':') return misplaced(state, at, ':')
      state.expected = 'value'
      return undefined
    default:
      return takeContent(state, found, at)
  }
}

function close(state: State, found: '}' | ']', at: number): Found | undefined {
  const { open, expected, before } = state
  const inner = open.at(-1)
  if (inner === undefined) return { at, what: `${found} closes nothing` }
  if (inner.closer !== found) return { at, what: `${found} stands where ${inner.closer} should` }
  const isAfterComma = expected === 'name' || (expected === 'value' && found === ']')
  if (isAfterComma) return { at: before.at, what: `a comma too many: ${found} follows` }
  if (expected === ':' || expected === 'value') return misplaced(state, at, found)
  open.pop()
  state.expected = ', or end'
  return undefined
}

/** A name or a value, or what begins one. */
function takeContent(state: State, found: string, at: number): Found | undefined {
  const { expected, open } = state
  if (expected === ', or end' || expected === ':') return misplaced(state, at, found)
  if (expected === 'name' || expected === 'name or }') {
    if (!found.startsWith('"')) return { at, what: 'a name in double quotes is missing' }
    state.expected = ':'
    return undefined
  }
  if (found === '{' || found === '[') {
    open.push({ at, closer: found === '{' ? '}' : ']' })
    state.expected = found === '{' ? 'name or }' : 'value or ]'
    return undefined
  }
  state.expected = ', or end'
  return undefined
}

/** Where something is missing, that is after what stands before it, perhaps lines above. */
function misplaced({ expected, before, open }: State, at: number, found: string): Found {
  if (expected === ', or end') {
    if (open.length === 0) return { at, what: 'something follows, and the text is whole' }
    return found === ':'
      ? { at, what: ': follows a value' }
      : { at: before.end, what: 'a comma is missing' }
  }
  if (expected === ':') return { at: before.end, what: 'a colon is missing' }
  const what = expected.startsWith('name')
    ? 'a name in double quotes is missing'
    : 'a value is missing'
  return { at: /^[,:}\]]$/.test(found) ? before.end : at, what }
}
