import { requestIdFrom } from '@portcullis/runtime'
import type { HeaderField } from '../headers/fields.ts'
import { valuesOf } from '../headers/fields.ts'
import { requestIdHeader } from '../headers/names.ts'

/** The client's `X-Request-Id` where there is exactly one and it is harmless; or a new one. */
export function requestIdOf(fields: readonly HeaderField[]): string {
  return requestIdFrom(valuesOf(fields, requestIdName))
}

const requestIdName = requestIdHeader.toLowerCase()
