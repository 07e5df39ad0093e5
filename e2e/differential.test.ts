import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { test } from 'node:test'
import { runCampaign } from './differential/campaign.ts'
import { judge, isTarget } from './differential/judge.ts'
import { readRequests } from './differential/messages.ts'
import { mutants } from './differential/mutants.ts'
import { headBounds } from './differential/world.ts'

// `npm run verify` sends many more by `npm run test:differential`; here are a few, for every change, and always the same ones.
const requests = 2000

test('what a service gets is what was judged, octet by octet, and each answer is that of its request', async () => {
  const seed = Number(process.env['PORTCULLIS_TEST_SEED'] ?? 1)
  const { forwarded, refused, unreadable, failure } = await runCampaign({ seed, requests })
  const again = `npm run test:differential -- --seed ${seed} --batch ${failure?.batch}`
  assert.equal(failure?.why, undefined, `send it again: ${again}`)
  assert.ok(forwarded >= requests * 0.3, `only ${forwarded} were forwarded`)
  assert.ok(refused >= requests * 0.1, `only ${refused} were refused`)
  assert.ok(unreadable >= requests * 0.03, `only ${unreadable} were no requests`)
})

test('a gateway that breaks a rule is found out', async () => {
  const mutant = mutants.find(({ rule }) => rule.includes('alias'))
  assert.ok(mutant)
  const { failure } = await runCampaign({ seed: 1, requests, mutant })
  // Which batch comes first is the machine's: the alias is seen in a request that got through, or in its answer.
  assert.match(failure?.why ?? 'nothing', /^\w+ .* fields \[.*"[a-z]+_[a-z]+: /)
  assert.ok((failure?.shrunk.length ?? 0) > 0)
})

test('the judge knows what it is for', () => {
  const tokens = { textOf: () => '', factsOf: () => undefined }
  const octets =
    'GET /public/%20?a HTTP/1.1\r\nHost: a\r\nConnection: X-A\r\nX-A: 1\r\nx_roles: b\r\nX-B: c\r\n\r\n'
  const { messages, rest } = readRequests(`${octets}${octets}\0`, headBounds)
  assert.equal(rest, 'no message')
  assert.equal(messages.length, 2)
  const [message] = messages
  assert.ok(message)
  const verdict = judge(message, tokens)
  assert.equal(verdict.kind, 'forwarded')
  assert.deepEqual(verdict.kind === 'forwarded' && verdict.kept.map(({ spelling }) => spelling), [
    'X-B',
  ])
  for (const target of ['/a/../b', '/%2e', '/a%2fb', '/a;b', '//a', '/%zz', '/%ff', '/a?b#c']) {
    assert.ok(!isTarget(target), target)
  }
})

// Whether each is found out takes minutes: `npm run test:differential -- --mutants`.
test('every mutant of the gateway breaks something that stands in production code once', () => {
  const texts = mutants.flatMap(({ rule, file, changes }) => {
    const code = readFileSync(new URL(`../packages/${file}`, import.meta.url), 'utf8')
    return changes.map(([from]) => ({ rule, times: code.split(from).length - 1 }))
  })
  assert.ok(mutants.length >= 20, `only ${mutants.length} mutants`)
  assert.deepEqual(
    texts.filter(({ times }) => times !== 1),
    [],
  )
})
