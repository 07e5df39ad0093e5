import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createTestIssuer } from '@portcullis/verify/testing'
import { CommandError, textOf } from '../src/command-error.ts'
import { asAdministrator } from '../src/remote/administration.ts'
import { runVerify } from '../src/token/verify.ts'

/** What a terminal obeys, a line that nobody of ours has written, and text that runs backwards. */
const hostile = 'orders\u001b]0;x\u0007\u009b2J\u202e\nvalid: the service lets it in'

async function printedError(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => assert.fail('it did what it was asked for'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof CommandError, String(error))
  return textOf(error)
}

function assertTwoLines(text: string): void {
  const lines = text.split('\n')
  assert.deepEqual([lines.length, lines.at(-1)], [3, ''], text)
  assert.doesNotMatch(lines.join(''), /\p{C}/u)
}

test('what an unsigned token says of itself drives no terminal and forges no line', async (t) => {
  const issuer = await createTestIssuer()
  t.after(() => issuer.close())
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-verify-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'access.jwt')
  const claims = { payload: { set: { aud: hostile } } }
  writeFileSync(file, issuer.forge({ ...claims, signature: 'stranger' }))
  const text = await printedError(runVerify(file, { issuer: issuer.issuer }))
  assert.match(text, /bad-signature/)
  assertTwoLines(text)
})

test('what answers a login drives no terminal and forges no line', async (t) => {
  let issuer = ''
  const server = createServer(({ method }, response) => {
    if (method === 'GET') return void response.end(JSON.stringify({ issuer }))
    response.writeHead(400, { 'content-type': 'application/problem+json' })
    response.end(JSON.stringify({ code: 'malformed', detail: hostile }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const administrator = { issuer, identifier: 'admin', password: 'a long password' }
  const text = await printedError(asAdministrator(administrator, async () => undefined))
  assert.match(text, /orders/)
  assertTwoLines(text)
})

test('an error that names several mistakes keeps its lines, and nothing else of what drives a terminal', () => {
  const error = new CommandError(2, 'two mistakes:\n  one\u001b[2J\n  two', 'Mend\u009b them.')
  assert.equal(textOf(error), 'two mistakes:\n  one?[2J\n  two\nMend? them.\n')
})
