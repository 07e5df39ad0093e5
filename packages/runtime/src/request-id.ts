import { randomUUID } from 'node:crypto'

/** The only one that was sent, where it is harmless in any log; or a new one. */
export function requestIdFrom(sent: readonly (string | undefined)[]): string {
  const [id, ...others] = sent
  return id !== undefined && others.length === 0 && isHarmless.test(id) ? id : randomUUID()
}

const isHarmless = /^[\w\-.]{1,128}$/
