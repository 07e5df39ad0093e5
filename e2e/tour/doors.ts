import assert from 'node:assert/strict'
import { bearer } from '../running-system.ts'

/** An address at which a token is shown, and what it is called in the story. */
export interface Door {
  readonly name: string
  readonly url: string
}

export interface DoorAnswer {
  readonly status: number
  /** What refused the token, as the RFC 6750 challenge says; empty without one. */
  readonly why: string
}

/** Shows the token at a door. */
export async function show({ url }: Door, token: string): Promise<DoorAnswer> {
  const response = await fetch(url, { headers: bearer(token) })
  await response.arrayBuffer()
  const challenge = response.headers.get('www-authenticate') ?? ''
  const why = /error_description="([^"]*)"/.exec(challenge)?.[1] ?? ''
  return { status: response.status, why }
}

/** Shows the token at a door and answers the status. */
async function knock(door: Door, token: string): Promise<number> {
  return (await show(door, token)).status
}

const patienceMs = 10_000

/**
 * Knocks without a pause until the token is refused with 401. Answers the moment of that answer, by
 * `performance.now()`. Any other answer than 200 and 401 is an error.
 */
export async function untilRefused(door: Door, token: string): Promise<number> {
  const deadline = performance.now() + patienceMs
  while (performance.now() < deadline) {
    const status = await knock(door, token)
    if (status === 401) return performance.now()
    assert.equal(status, 200, `${door.name} answered ${status}`)
  }
  throw new Error(`${door.name} still takes the token after ${patienceMs} ms`)
}

/** What refused it. */
export async function refusalAt(door: Door, token: string): Promise<string> {
  const { status, why } = await show(door, token)
  assert.equal(status, 401, `${door.name} answered ${status}`)
  return why
}

export async function assertAccepted(doors: readonly Door[], token: string): Promise<void> {
  for (const door of doors) {
    assert.equal(await knock(door, token), 200, `${door.name} refuses a good token`)
  }
}
