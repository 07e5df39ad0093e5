import type { JsonObject } from '@portcullis/protocol'
import { parseJsonObject } from '@portcullis/protocol'
import { holdsNul } from '@portcullis/runtime'
import type { FileLine } from './import-lines.ts'

/** What a line says, ready to be sent; or why it cannot be. */
export type ReadAccount =
  | {
      readonly kind: 'account'
      readonly line: number
      readonly json: JsonObject
      readonly bytes: number
    }
  | { readonly kind: 'unreadable'; readonly line: number; readonly why: string }
  | { readonly kind: 'blank' }

/** The largest account that identity takes has less, and a body with one of these is below its 16 KiB. */
export const accountBytesMax: number = 12 * 1024

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Reads a line as strictly as identity reads a body, so that one bad line does not spoil its group. */
export function readAccount({ number: line, bytes }: FileLine): ReadAccount {
  const unreadable = (why: string): ReadAccount => ({ kind: 'unreadable', line, why })
  if (bytes === undefined) return unreadable(tooLong)
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    return unreadable('is not UTF-8')
  }
  if (text.trim() === '') return { kind: 'blank' }
  const parsed = parseJsonObject(text, { depthMax: 2 })
  if (parsed.kind === 'malformed') return unreadable(faults[parsed.why])
  const json = parsed.value
  if (holdsNul(json)) return unreadable('holds U+0000')
  // What is sent is written anew, and may be longer: 1e20 has 21 digits.
  const sentBytes = Buffer.byteLength(JSON.stringify(json))
  return sentBytes > accountBytesMax
    ? unreadable(tooLong)
    : { kind: 'account', line, json, bytes: sentBytes }
}

const tooLong = `has more than ${accountBytesMax} bytes`

const faults = {
  'not-json': 'is not JSON',
  'not-an-object': 'is not a JSON object',
  'huge-number': 'has a number that is too large',
  'duplicate-member': 'has two members of the same name',
  'too-deep': 'is nested too deeply',
  'lone-surrogate': 'has half of a surrogate pair',
}
