import { ClientError } from '@portcullis/client'
import type { ComponentChildren } from 'preact'
import { createContext } from 'preact'
import { texts } from '../text/texts.ts'

/** What is wrong in a form, by the members of the request that its fields are for. */
export type Faults = Readonly<Record<string, ComponentChildren>>

/** Those of the form around: a field looks there for its own. */
export const FormFaults = createContext<Faults>({})

/** What the issuer refuses because of one field, by its code. */
export type RefusalsOfFields = Readonly<
  Record<string, { readonly member: string; readonly words: ComponentChildren }>
>

/** Of a field that has to be filled in. */
export function faultOfEmpty(value: string, label: string): string | undefined {
  return value.trim() === '' ? texts.decisions.missing(label) : undefined
}

export interface ToldFaults {
  readonly atFields: Faults
  /** What no field of the form is to blame for; undefined when that is nothing. */
  readonly rest: unknown
}

/** An answer of the issuer, taken apart: each fault at the field that it is about, and said once. */
export function placeFaults(
  error: unknown,
  members: ReadonlySet<string>,
  refusals: RefusalsOfFields = {},
): ToldFaults {
  if (!(error instanceof ClientError)) return { atFields: {}, rest: error }
  const known = error.reason === undefined ? undefined : refusals[error.reason]
  if (known !== undefined) return { atFields: { [known.member]: known.words }, rest: undefined }
  const placed = error.faults.filter(({ field }) => members.has(memberOf(field)))
  if (placed.length === 0) return { atFields: {}, rest: error }
  const words = Map.groupBy(placed, ({ field }) => memberOf(field))
  const atFields = [...words].map(([member, faults]) => [
    member,
    faults.map(({ field, message }) => texts.decisions.unfit(message, insideOf(field))).join(' '),
  ])
  const others = error.faults.filter((fault) => !placed.includes(fault))
  const { code, message, status, reason } = error
  const rest =
    others.length === 0
      ? undefined
      : new ClientError(code, message, { status, reason, faults: others })
  return { atFields: Object.fromEntries(atFields), rest }
}

/** RFC 6901: the first step of a pointer is the member of the body. */
function memberOf(pointer: string): string {
  return pointer.split('/')[1] ?? ''
}

/** What of the member is meant, where that has a name. */
function insideOf(pointer: string): string | undefined {
  const name = pointer.split('/')[2]
  if (name === undefined || /^\d+$/.test(name)) return undefined
  return name.replaceAll('~1', '/').replaceAll('~0', '~')
}
