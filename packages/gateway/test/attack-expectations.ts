import assert from 'node:assert/strict'
import type { ServiceGets } from './gateway-vectors.ts'
import type { Recorded } from './recorder.ts'

/** Fills the texts of one attack. */
export type Fill = (text: string) => string

type Members = Readonly<Record<string, unknown>>

/** What a service got is what an attack of the corpus, or its twin, expects. */
export function assertServed(
  requests: readonly Recorded[],
  expected: readonly ServiceGets[],
  fill: Fill,
  what: string,
): void {
  const targets = requests.map(({ target }) => target)
  assert.deepEqual(
    targets,
    expected.map(({ target }) => fill(target)),
    what,
  )
  for (const [at, { method, body, has = [], lacks = [] }] of expected.entries()) {
    const request: Recorded | undefined = requests[at]
    assert.ok(request, what)
    if (method !== undefined) assert.equal(request.method, method, what)
    if (body !== undefined) assert.equal(request.body, body, what)
    const fields = has.map(fieldOf)
    for (const { name } of fields) {
      const own = fields.filter((field) => field.name === name)
      const values = own.map(({ value }) => fill(value))
      assert.deepEqual(request.all(name), values, `${what}: ${name}`)
    }
    for (const text of lacks) {
      assert.deepEqual(request.all(text), [], `${what}: ${text}`)
      const values: readonly string[] = request.rawHeaders.filter(
        (_value, place) => place % 2 === 1,
      )
      assert.ok(!values.some((value) => value.includes(text)), `${what}: ${text}`)
    }
  }
}

function fieldOf(line: string): { readonly name: string; readonly value: string } {
  const colon = line.indexOf(':')
  return { name: line.slice(0, colon).toLowerCase(), value: line.slice(colon + 1).trim() }
}

/** The members of the corpus, where `<service>` is this one. */
export function withServices(members: Members, to: readonly string[]): Members {
  const text = JSON.stringify(members).replaceAll('["<service>"]', JSON.stringify(to))
  return JSON.parse(text) as Members
}
