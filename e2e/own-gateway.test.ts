import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '../tools/free-port.ts'
import { bearer, removeFolder, runPortcullis, startSystem } from './running-system.ts'
import { untilAnswered } from './until-answered.ts'

const readme = fileURLToPath(new URL('../packages/gateway/README.md', import.meta.url))

test('the file of the README puts a gateway before a service of its own', async () => {
  const seen: IncomingMessage[] = []
  const service = createServer((request, response) => {
    seen.push(request)
    response.end('a lamp')
  }).listen(0, '127.0.0.1')
  await once(service, 'listening')
  const address = service.address()
  assert.ok(address !== null && typeof address === 'object')
  const system = await startSystem()
  const port = await freePort()
  const file = join(system.folder, 'shop.json')
  writeFileSync(file, fileOf(system.endpoints.identity, port, address.port))
  const gateway = runPortcullis(['gateway', '--config', file], { folder: system.folder })
  try {
    const url = `http://localhost:${port}`
    await untilAnswered(`${url}/pages/1`)
    const headers = bearer(await system.signIn('alice'))
    assert.equal((await fetch(`${url}/lamps/1`)).status, 401)
    assert.deepEqual(
      seen.map(({ url: target }) => target),
      ['/pages/1'],
    )
    const answer = await fetch(`${url}/lamps/1`, { headers })
    assert.deepEqual([answer.status, await answer.text()], [200, 'a lamp'])
    const last = seen.at(-1)
    assert.equal(last?.url, '/lamps/1')
    assert.equal(last.headers.authorization, headers.authorization)
    assert.match(String(last.headers['x-auth-subject']), /^[A-Za-z0-9_-]+$/)
  } finally {
    gateway.child.kill('SIGTERM')
    assert.equal(await gateway.ended, 0)
    assert.equal(await system.stop(), 0)
    service.close()
    removeFolder(system.folder)
  }
})

/** The first file that the README shows, for another issuer and other ports. */
function fileOf(issuer: string, port: number, servicePort: number): string {
  const [, block = ''] = /```json\n(.*?)```/s.exec(readFileSync(readme, 'utf8')) ?? []
  for (const known of ['http://localhost:4000', '"port": 4100', ':3000"']) {
    assert.ok(block.includes(known), known)
  }
  return block
    .replace('http://localhost:4000', issuer)
    .replace('"port": 4100', `"port": ${port}`)
    .replaceAll(':3000"', `:${servicePort}"`)
}
