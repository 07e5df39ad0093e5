import { hidden, noticeText, textOf } from './form-parts.ts'
import type { Markup } from './markup.ts'
import { markup } from './markup.ts'
import type { ReturnPlaces, ReturnTarget } from './return-target.ts'
import { parseReturnTarget, returnTargetCharactersMax } from './return-target.ts'

/** What a sign-in is for. It goes along from page to page, in addresses and hidden in forms. */
export interface Purpose {
  readonly returnTo: string | undefined
  readonly target: ReturnTarget | undefined
  readonly clientId: string | undefined
}

const clientCharactersMax = 64

interface PurposeQuery {
  readonly type: 'object'
  readonly properties: Readonly<
    Record<
      'return_to' | 'client_id' | 'notice',
      { readonly type: 'string'; readonly maxLength: number }
    >
  >
}

/** Of a page that a sign-in begins with. */
export const purposeQuery: PurposeQuery = {
  type: 'object',
  properties: {
    return_to: { type: 'string', maxLength: returnTargetCharactersMax },
    client_id: { type: 'string', maxLength: clientCharactersMax },
    notice: noticeText,
  },
}

/** Reads it from a query or a form. What leads nowhere is not carried on. */
export function purposeOf(places: ReturnPlaces, parameters: unknown): Purpose {
  const returnTo = textOf(parameters, 'return_to')
  const target = parseReturnTarget(returnTo, places)
  const clientId = textOf(parameters, 'client_id')?.slice(0, clientCharactersMax)
  return { returnTo: target && returnTo, target, clientId }
}

/** For the address of the next page. */
export function parametersOf({ returnTo, clientId }: Purpose): {
  readonly return_to: string | undefined
  readonly client_id: string | undefined
} {
  return { return_to: returnTo, client_id: clientId }
}

/** For the form of this one. */
export function hiddenOf({ returnTo, clientId }: Purpose): Markup {
  return markup`${hidden('return_to', returnTo)}${hidden('client_id', clientId)}`
}
