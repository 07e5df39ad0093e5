import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { freePort } from '../tools/free-port.ts'
import { newFolder, removeFolder, runPortcullis } from './running-system.ts'

const patienceMs = 40_000

test('one command makes a webhook, which hears of the next session that ends', async (t) => {
  const pushed: string[] = []
  const take = async (...[request, response]: Parameters<RequestListener>): Promise<void> => {
    pushed.push(`${String(request.headers.authorization)} ${await text(request)}`)
    response.writeHead(202).end()
  }
  const receiver = createServer((...asked) => void take(...asked))
  await new Promise<void>((listening) => receiver.listen(0, '127.0.0.1', listening))
  t.after(() => {
    receiver.closeAllConnections()
    receiver.close()
  })
  const folder = newFolder()
  t.after(() => removeFolder(folder))
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const variables = {
    PORTCULLIS_SEALING_KEY: randomBytes(32).toString('base64'),
    PORTCULLIS_REFRESH_PEPPER: randomBytes(32).toString('base64'),
    PORTCULLIS_DATABASE: `sqlite:${join(folder, 'identity.db')}`,
    PORTCULLIS_STREAMS_REACHABLE_NETWORKS: '127.0.0.1',
  }
  const settings = { issuer, audiences: {}, listen: { port }, operations: { port: 0 } }
  writeFileSync(join(folder, 'portcullis.identity.json'), JSON.stringify(settings))
  await runPortcullis(['bootstrap'], { folder, variables }).ended
  const identity = runPortcullis(['identity'], { folder, variables })
  t.after(async () => {
    identity.child.kill('SIGTERM')
    await identity.ended
  })
  await reached(() => identity.output().includes('identity is ready'))

  const as = ['--issuer', issuer, '--credentials', 'credentials.json']
  const run = async (...parameters: readonly string[]): Promise<string> => {
    const command = runPortcullis([...parameters, ...as], { folder })
    assert.equal(await command.ended, 0, command.errors())
    return command.output()
  }
  writeFileSync(join(folder, 'authorization'), 'Bearer of-the-receiver\n')
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`
  const events = 'session-revoked,account-disabled'
  const more = ['--authorization-file', 'authorization', '--json']
  const made = await run('streams', 'create', '--push', url, '--events', events, ...more)
  const { id, endpoint_url: endpoint } = JSON.parse(made) as Record<string, unknown>
  assert.equal(endpoint, url)
  // The command itself signs in and out again.
  await reached(() => pushed.length === 1)
  assert.match(pushed[0] ?? '', /^Bearer of-the-receiver [\w-]+\.[\w-]+\.[\w-]+$/)

  const listed = await run('streams', 'list')
  assert.match(listed, /^ID +STATUS +TO +EVENTS/)
  assert.ok(listed.includes(url))
  assert.ok(!listed.includes('of-the-receiver'))
  assert.match(await run('streams', 'delete', String(id), '--reason', 'a test'), /is gone/)
  assert.deepEqual(JSON.parse(await run('streams', 'list', '--json')), { streams: [] })
  const refused = runPortcullis(
    ['streams', 'create', '--push', 'http://hook.example/', '--events', events, ...as],
    { folder },
  )
  assert.equal(await refused.ended, 1)
  assert.match(refused.errors(), /^refused: endpoint_url must be https\n/)
})

async function reached(isReached: () => boolean): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!isReached()) {
    assert.ok(performance.now() < deadline, 'it never came to it')
    await new Promise((later) => setTimeout(later, 20))
  }
}
