/** What RFC 8259 calls a JSON value, as `JSON.parse` returns it. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject

export interface JsonObject {
  readonly [member: string]: JsonValue | undefined
}

export type ParsedJsonObject =
  | { readonly kind: 'object'; readonly value: JsonObject }
  | { readonly kind: 'malformed'; readonly why: JsonFault }

export type JsonFault =
  'not-json' | 'not-an-object' | 'duplicate-member' | 'too-deep' | 'lone-surrogate' | 'huge-number'

export interface JsonLimits {
  /** How many objects and arrays may stand inside each other; the outermost object counts as one. */
  readonly depthMax: number
}

/**
 * Parses one JSON object and refuses what parsers disagree about: two members of the same name
 * (RFC 8259 section 4 leaves the meaning open, so two parties could read two different tokens out
 * of one signature), lone surrogates, a byte order mark, numbers beyond all doubles, and nesting deeper
 * than `depthMax`.
 *
 * Does NOT limit the length: the caller knows how much it was willing to read.
 * The result is frozen at every depth. Its prototype is the ordinary one; a member named `__proto__` is
 * an own member.
 */
export function parseJsonObject(text: string, limits: JsonLimits): ParsedJsonObject {
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch {
    return { kind: 'malformed', why: 'not-json' }
  }
  if (!isJsonObject(value)) return { kind: 'malformed', why: 'not-an-object' }
  // Before it is frozen: what is frozen is written several times more slowly.
  const isPlain = isOwnSpelling(value, text)
  const fault = freezeWithin(value, limits.depthMax) ?? (isPlain ? undefined : findFault(text))
  return fault === undefined ? { kind: 'object', value } : { kind: 'malformed', why: fault }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const quote = 0x22
const backslash = 0x5c

/** Freezes at every depth that is allowed. */
function freezeWithin(value: object, depthMax: number): JsonFault | undefined {
  if (depthMax === 0) return 'too-deep'
  Object.freeze(value)
  for (const member of Object.values(value) as readonly JsonValue[]) {
    // Beyond all doubles: nobody can read it, and it would not come out again as it came in.
    if (member === Infinity || member === -Infinity) return 'huge-number'
    if (typeof member === 'object' && member !== null) {
      const fault = freezeWithin(member, depthMax - 1)
      if (fault !== undefined) return fault
    }
  }
  return undefined
}

/**
 * True for text as `JSON.stringify` writes it, which most of it is: what comes out again unchanged has
 * lost no member on its way in. A lone surrogate stands there as an escape, and then nothing is said.
 * Only a faster way than the walk to the same answer.
 */
function isOwnSpelling(value: JsonObject, text: string): boolean {
  if (text.includes('\\')) return false
  try {
    return JSON.stringify(value) === text && text.isWellFormed()
  } catch {
    // Deeper than the stack, which the limit of depth will say.
    return false
  }
}

/** One walk over text that `JSON.parse` has already accepted, so its grammar need not be checked again. */
function findFault(text: string): JsonFault | undefined {
  // The names seen so far in each open object; undefined stands for an open array.
  const open: (Set<string> | undefined)[] = []
  let expectsName = false
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case '{':
        open.push(new Set())
        expectsName = true
        break
      case '[':
        open.push(undefined)
        expectsName = false
        break
      case '}':
      case ']':
        open.pop()
        break
      case ',':
        expectsName = open.at(-1) !== undefined
        break
      case '"': {
        const end = closingQuote(text, at)
        const string = unescaped(text, at, end)
        if (!string.isWellFormed()) return 'lone-surrogate'
        if (expectsName) {
          const names = open.at(-1)
          if (names?.has(string) === true) return 'duplicate-member'
          names?.add(string)
          expectsName = false
        }
        at = end
        break
      }
      default:
    }
  }
  return undefined
}

function closingQuote(text: string, openingQuote: number): number {
  let at = openingQuote + 1
  while (text.charCodeAt(at) !== quote) at += text.charCodeAt(at) === backslash ? 2 : 1
  return at
}

function unescaped(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end)
  return raw.includes('\\') ? (JSON.parse(text.slice(start, end + 1)) as string) : raw
}
