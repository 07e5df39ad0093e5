import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createTestIssuer } from '@portcullis/verify/testing'

const program = fileURLToPath(new URL('following-process.ts', import.meta.url))

for (const [what, isUp, argument, output] of [
  ['closes its verifier', true, 'close', 'ready\n'],
  ['never reached its issuer and closes nothing', false, 'leave', 'not ready\n'],
] as const) {
  test(`a process that ${what} ends by itself`, async (t) => {
    const issuer = await createTestIssuer({ algorithm: 'ES256' })
    t.after(() => (isUp ? issuer.close() : undefined))
    if (!isUp) await issuer.close()
    const child = spawn(
      process.execPath,
      ['--conditions=@portcullis/source', program, issuer.issuer, argument],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    t.after(() => child.kill('SIGKILL'))
    const printed = Promise.all([text(child.stdout), text(child.stderr)])
    const late = setTimeout(() => child.kill('SIGKILL'), 8_000)
    const [code, signal] = await once(child, 'exit')
    clearTimeout(late)
    assert.deepEqual([code, signal, await printed], [0, null, [output, '']])
  })
}
