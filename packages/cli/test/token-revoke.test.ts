import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { CommandError } from '../src/command-error.ts'
import { postForm } from '../src/token/issuer-form.ts'
import { revocationOf, runRevoke } from '../src/token/revoke.ts'

async function startIssuer(
  t: TestContext,
  answer: (response: ServerResponse) => void,
): Promise<string> {
  const server = createServer((_request, response) => answer(response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function tokenFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-revoke-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'access.jwt')
  writeFileSync(file, 'prt_token')
  return file
}

function exitCodeOf(work: Promise<unknown>): Promise<number> {
  return work.then(
    () => 0,
    (error: unknown) => {
      assert.ok(error instanceof CommandError, String(error))
      return error.exitCode
    },
  )
}

const unlike: readonly (readonly [string, (response: ServerResponse) => void])[] = [
  ['a page', (response) => void response.end('<html>Welcome</html>')],
  ['nothing', (response) => void response.end()],
  ['a list', (response) => void response.end('[]')],
  ['another object', (response) => void response.end('{"status":"ok"}')],
  ['a position that is none', (response) => void response.end('{"revocation":{}}')],
  [
    'a body that is cut off',
    (response) => {
      response.writeHead(200, { 'content-length': '99' }).write('{"revocation":')
      setTimeout(() => response.destroy(), 20)
    },
  ],
  ['more than anybody needs', (response) => void response.end(`{"a":"${'x'.repeat(300_000)}"}`)],
]

for (const [what, answer] of unlike) {
  test(`${what} in place of an answer does not pass for a token that was taken back`, async (t) => {
    const issuer = await startIssuer(t, answer)
    const options = { issuer, clientId: 'web' }
    await assert.rejects(
      runRevoke(tokenFile(t), options),
      ({ exitCode, message }: CommandError) => {
        assert.match(message, /^it is not known whether the token was taken back: /)
        assert.doesNotMatch(message, /xxxx|Welcome/)
        return exitCode === 3
      },
    )
  })
}

test('an answer without end is not read on', async (t) => {
  let sentBytes = 0
  const issuer = await startIssuer(t, (response) => {
    const piece = Buffer.alloc(65_536, 0x20)
    const write = (): void => {
      while (!response.destroyed && sentBytes < 64_000_000) {
        sentBytes += piece.length
        if (!response.write(piece)) return void response.once('drain', write)
      }
      response.end()
    }
    write()
  })
  const asked = postForm(issuer, '/revoke', { token: 'prt_token' })
  await asked.catch(() => {})
  assert.ok(sentBytes < 32_000_000, `${sentBytes} bytes`)
})

test('a token goes over https, or stays on the machine', async (t) => {
  const options = { issuer: 'http://id.invalid', clientId: 'web' }
  assert.equal(await exitCodeOf(runRevoke(tokenFile(t), options)), 2)
  // Before a doctor attacks anything, and not when it is done.
  assert.throws(() => revocationOf('prt_token', options), CommandError)
})

test('whoever answers as RFC 7009 has it, without a word, has taken the token back', async (t) => {
  const issuer = await startIssuer(t, (response) => void response.end())
  await revocationOf('prt_token', { issuer, clientId: 'web' })()
  const page = await startIssuer(t, (response) => void response.end('<html>'))
  assert.equal(await exitCodeOf(revocationOf('t', { issuer: page, clientId: 'web' })()), 3)
})
