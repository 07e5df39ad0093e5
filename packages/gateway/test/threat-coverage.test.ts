import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { assertTestsExist, gatewayAdvisories, gatewayCorpus } from './gateway-vectors.ts'

/*
 * The attacks that a gateway must survive are numbered G1 to G48. Each is octets in the corpus, or is tried by tests that
 * the corpus names, or both.
 */
const threats = Array.from({ length: 48 }, (_threat, at) => `G${at + 1}`)
const { attacks, behaviours } = gatewayCorpus

test('every threat is an attack of the corpus or the matter of a test', () => {
  const numbers = [...attacks.map(({ id }) => id), ...behaviours.map(({ threat }) => threat)]
  const named = new Set(numbers.map((id) => /^G\d+/.exec(id)?.[0]))
  assert.deepEqual(
    threats.filter((threat) => !named.has(threat)),
    [],
  )
  assert.equal(named.size, threats.length, 'and there are no others')
})

test('the tests that the corpus names are there', () => {
  assert.ok(behaviours.length >= 20, `only ${behaviours.length} behaviours`)
  for (const { threat, does, tests } of behaviours) assertTestsExist(tests, `${threat}, ${does}`)
})

test('every advisory is covered by attacks or tests that are there, or does not concern us for a reason', () => {
  const ids = new Set(attacks.map(({ id }) => id))
  assert.ok(gatewayAdvisories.length >= 40, `only ${gatewayAdvisories.length} advisories`)
  for (const { ids: names, attacks: own = [], tests = [], notApplicable } of gatewayAdvisories) {
    const what = names.join(', ')
    for (const id of own) assert.ok(ids.has(id), `${what}: the corpus has no ${id}`)
    if (tests.length > 0) assertTestsExist(tests, what)
    const isCovered = own.length > 0 || tests.length > 0
    assert.equal(isCovered, notApplicable === undefined, what)
    assert.ok(isCovered || (notApplicable ?? '').length >= 20, what)
  }
})

test('no advisory of the list about gateways is missing', (t) => {
  const list = new URL('../../../../shared/design/attacks.md', import.meta.url)
  if (!existsSync(list)) return t.skip('the list is not a part of the repository')
  const [, after = ''] = readFileSync(list, 'utf8').split(/^## 3\./m)
  const [section = ''] = after.split(/^## /m)
  const listed = idsIn(section)
  assert.ok(listed.size >= 60, `only ${listed.size} ids were found`)
  const named = new Set(gatewayAdvisories.flatMap(({ ids }) => ids))
  assert.deepEqual(
    [...listed].filter((id) => !named.has(id)),
    [],
  )
})

/** `CVE-2023-27488/27493` are two, and so are `CVE-2021-21321/21322`. */
function idsIn(text: string): ReadonlySet<string> {
  const full = text.match(/CVE-\d{4}-\d+|GHSA(?:-[0-9a-z]{4}){3}/g) ?? []
  const short = [...text.matchAll(/(CVE-\d{4}-)\d+\/(\d{4,})/g)].map(
    ([, year, number]) => `${year}${number}`,
  )
  return new Set([...full, ...short])
}
