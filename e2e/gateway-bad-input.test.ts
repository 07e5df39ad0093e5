import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { freePort } from '../tools/free-port.ts'
import { newFolder, removeFolder, runPortcullis } from './running-system.ts'

function scratch(t: TestContext): string {
  const folder = newFolder()
  t.after(() => removeFolder(folder))
  return folder
}

const open = { mode: 'none' }

interface BadFile {
  readonly write: (path: string) => void
  /** What it says, every part of it. */
  readonly said: readonly RegExp[]
}

const text =
  (content: unknown): BadFile['write'] =>
  (path) =>
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))

const badFiles: Readonly<Record<string, BadFile>> = {
  'no file': { write: () => undefined, said: [/gateway\.json/, /cannot be read \(ENOENT\)/] },
  'a folder': { write: (path) => mkdirSync(path), said: [/cannot be read \(EISDIR\)/] },
  'an empty file': { write: text(''), said: [/is not JSON/] },
  'half a file': { write: text('{"listen":{"port":'), said: [/is not JSON/] },
  'no object': { write: text([]), said: [/gateway\.json/] },
  'unknown members and wrong values': {
    write: text({
      listen: { port: 0, hosst: 'a' },
      issuer: 'ftp://id.example',
      colour: 'red',
      routes: [{ match: 'orders', to: ['http://127.0.0.1:1'], auth: { mode: 'sometimes' } }],
      limits: { bodyBytes: -1 },
    }),
    said: [
      /\/colour/,
      /\/listen\/hosst/,
      /\/issuer/,
      /\/routes\/0\/match/,
      /\/routes\/0\/auth\/mode/,
      /\/limits\/bodyBytes/,
    ],
  },
}

test('portcullis gateway does not start by a bad file, and says all that is wrong with it', async (t) => {
  for (const [name, { write, said }] of Object.entries(badFiles)) {
    const folder = scratch(t)
    const path = join(folder, 'gateway.json')
    write(path)
    const run = runPortcullis(['gateway', '--config', path], { folder })
    assert.equal(await run.ended, 1, name)
    for (const part of said) assert.match(run.errors(), part, name)
    assert.doesNotMatch(run.errors(), /^\s+at /m, name)
    assert.doesNotMatch(run.output(), /gateway listens/, name)
  }
})

test('portcullis gateway answers 502 for a service that is not there and 504 for a silent one, and serves the others', async (t) => {
  const folder = scratch(t)
  const service = createServer((request, response) => {
    if (request.url !== '/silent') response.end('here')
  })
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  t.after(() => {
    service.closeAllConnections()
    service.close()
  })
  const here = [`http://127.0.0.1:${(service.address() as AddressInfo).port}`]
  const missing = [`http://127.0.0.1:${await freePort()}`]
  const port = await freePort()
  const path = join(folder, 'gateway.json')
  const settings = {
    listen: { port },
    issuer: `http://localhost:${await freePort()}`,
    limits: { idleTimeoutSeconds: 1 },
    routes: [
      { match: '/here', to: here, auth: open },
      { match: '/silent', to: here, auth: open },
      { match: '/missing', to: missing, auth: open },
    ],
  }
  writeFileSync(path, JSON.stringify(settings))
  const run = runPortcullis(['gateway', '--config', path], { folder })
  t.after(() => run.child.kill('SIGKILL'))
  const startedMs = performance.now()
  while (!run.output().includes('gateway listens')) {
    assert.ok(performance.now() - startedMs < 20_000, run.errors())
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const codeAt = async (where: string): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${port}${where}`)
    if (answer.ok) return answer.text()
    assert.equal(answer.headers.get('content-type'), 'application/problem+json')
    const { code } = (await answer.json()) as { readonly code: string }
    return [answer.status, code]
  }
  // More than it takes to leave a service out.
  for (let tries = 0; tries < 5; tries += 1) {
    assert.deepEqual(await codeAt('/missing'), [502, 'upstream-unreachable'])
  }
  const silent = codeAt('/silent')
  assert.equal(await codeAt('/here'), 'here')
  assert.deepEqual(await silent, [504, 'upstream-timeout'])
  assert.equal(await codeAt('/here'), 'here')

  run.child.kill('SIGTERM')
  assert.equal(await run.ended, 0, run.errors())
})
