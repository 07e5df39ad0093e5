import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { createTestIssuer } from '@portcullis/verify/testing'
import { freePort } from '../tools/free-port.ts'
import type { CommandRun } from './running-system.ts'
import { bearer, newFolder, removeFolder, runPortcullis } from './running-system.ts'

async function untilAnswering(url: string, run: CommandRun): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (run.child.exitCode !== null) throw new Error(run.errors())
    const isUp = await fetch(url).then(
      () => true,
      () => false,
    )
    if (isUp) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${url} never answered: ${run.errors()}`)
}

test('a gateway without its issuer serves public routes, answers 503 and not 401 elsewhere, and recovers by itself', async (t) => {
  const folder = newFolder()
  const issuerPort = await freePort()
  const port = await freePort()
  const service = createServer((_request, response) => response.end('public'))
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  t.after(() => service.close())
  const { port: servicePort } = service.address() as AddressInfo
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'gateway.json')
  const issuerUrl = `http://localhost:${issuerPort}`
  const settings = {
    listen: { port },
    issuer: issuerUrl,
    auth: { audience: 'orders' },
    routes: [
      { match: '/orders/*', to: [`http://127.0.0.1:${await freePort()}`] },
      { match: '/public/*', to: [`http://127.0.0.1:${servicePort}`], auth: { mode: 'none' } },
    ],
  }
  writeFileSync(file, JSON.stringify(settings))
  const run = runPortcullis(['gateway', '--config', file], { folder })
  const url = `http://127.0.0.1:${port}/orders`
  try {
    await untilAnswering(url, run)
    // A token of the right shape, which nobody can judge at the moment.
    const elsewhere = await createTestIssuer()
    const token = elsewhere.mint()
    await elsewhere.close()
    const blind = await fetch(url, { headers: bearer(token) })
    assert.equal(blind.status, 503)
    assert.ok(blind.headers.get('retry-after'))
    assert.equal((await fetch(url)).status, 401, 'no token is no token, keys or not')
    const open = await fetch(`http://127.0.0.1:${port}/public`, { headers: bearer(token) })
    assert.equal(await open.text(), 'public')

    const issuer = await createTestIssuer({ port: issuerPort })
    assert.equal(issuer.issuer, issuerUrl)
    let status = 503
    for (let tries = 0; tries < 200 && status === 503; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      status = (await fetch(url, { headers: bearer(issuer.mint()) })).status
    }
    // The token is good now; behind the gateway there is nobody, which is another matter.
    assert.equal(status, 502)
    await issuer.close()
  } finally {
    run.child.kill('SIGTERM')
    assert.equal(await run.ended, 0)
    removeFolder(folder)
  }
})
