import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { createLog } from '@portcullis/runtime'
import { keepLines } from '../../runtime/test/kept-lines.ts'
import { checkBrowserClient } from '../src/browser/client-check.ts'
import type { IssuerSessions } from '../src/browser/issuer-sessions.ts'
import type { Node } from './browser-world.ts'
import { startBrowserWorld } from './browser-world.ts'

const warning = /"msg":"nobody can sign in by a page: identity refuses the client"/

async function untilWarned({ log }: Node): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!warning.test(log())) {
    assert.ok(performance.now() < deadline, log())
    await setTimeout(10)
  }
}

test('a client that identity does not know is told at the start of the gateway, and one that it knows is not', async (t) => {
  const world = await startBrowserWorld(t)
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-client-'))
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const clientFile = join(folder, 'client.json')
  writeFileSync(clientFile, '{"client_id":"web","client_secret":"a-secret-of-this-test"}')
  const nodes: Node[] = []
  for (const browser of [{}, { client: 'shop' }, { clientFile }]) {
    nodes.push(await world.startNode({ browser }))
  }
  const [known, unknown, secret] = nodes
  assert.ok(known !== undefined && unknown !== undefined && secret !== undefined)
  await Promise.all([unknown, secret].map(untilWarned))
  assert.match(unknown.log(), /"code":"invalid_client","detail":"browser\.client shop is not known/)
  assert.match(secret.log(), /"detail":"the client of browser\.clientFile is not known/)
  // It was asked first.
  assert.equal(world.wire.seenAt('/revoke').length, 3)
  assert.doesNotMatch(known.log(), warning)
  assert.doesNotMatch(nodes.map(({ log }) => log()).join(''), /a-secret-of-this-test/)
})

test('while identity does not answer it is asked again, less and less often, and not after the end', async () => {
  const lines: string[] = []
  const log = createLog({ name: 'gateway', destination: keepLines(lines) })
  const refusal = { status: 401, body: { error: 'invalid_client' }, headers: new Headers() }
  const answers: Awaited<ReturnType<IssuerSessions['tryClient']>>[] = [
    ...Array.from({ length: 8 }, () => unavailable),
    { kind: 'answer', ...refusal },
  ]
  const waits: number[] = []
  let next: (() => void) | undefined
  let isCancelled = false
  const stop = checkBrowserClient({
    issuer: { tryClient: async () => answers.shift() ?? unavailable },
    named: 'browser.client shop',
    log,
    schedule: (step, ms) => {
      waits.push(ms)
      next = step
      return () => (isCancelled = true)
    },
  })
  while (answers.length > 0) {
    await setTimeout()
    next?.()
    next = undefined
  }
  await setTimeout()
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
  assert.match(lines.join(''), warning)
  assert.equal(lines.length, 1)
  stop()
  assert.ok(isCancelled)
})

const unavailable = { kind: 'unavailable', why: 'nobody is there', retryAfterSeconds: 1 } as const
