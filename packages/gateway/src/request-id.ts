import { randomUUID } from 'node:crypto'
import { headerFields } from './header-fields.ts'
import { requestIdHeader } from './header-names.ts'

/**
 * The client's `X-Request-Id` where there is exactly one and it is harmless in any log; or a new
 * one.
 */
export function requestIdOf(rawHeaders: readonly string[]): string {
  const [id, ...others] = headerFields(rawHeaders).filter(
    ({ name }) => name === requestIdHeader.toLowerCase(),
  )
  return id !== undefined && others.length === 0 && isHarmless.test(id.value)
    ? id.value
    : randomUUID()
}

const isHarmless = /^[\w\-.]{1,128}$/
