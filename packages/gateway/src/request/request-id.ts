import { randomUUID } from 'node:crypto'
import type { HeaderField } from '../headers/fields.ts'
import { valuesOf } from '../headers/fields.ts'
import { requestIdHeader } from '../headers/names.ts'

/**
 * The client's `X-Request-Id` where there is exactly one and it is harmless in any log; or a new
 * one.
 */
export function requestIdOf(fields: readonly HeaderField[]): string {
  const [id, ...others] = valuesOf(fields, requestIdName)
  return id !== undefined && others.length === 0 && isHarmless.test(id) ? id : randomUUID()
}

const requestIdName = requestIdHeader.toLowerCase()

const isHarmless = /^[\w\-.]{1,128}$/
