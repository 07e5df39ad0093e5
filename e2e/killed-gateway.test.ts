import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePort } from '../tools/free-port.ts'
import type { CommandRun } from './running-system.ts'
import { newFolder, removeFolder, runPortcullis, startSystem } from './running-system.ts'
import { untilAnswered } from './until-answered.ts'

test('a gateway that is killed after it has refreshed, and before it has answered, costs nobody the session', async (t) => {
  const system = await startSystem(newFolder())
  t.after(async () => {
    await system.stop()
    removeFolder(system.folder)
  })
  let isSilent = true
  const service = createServer((_request: IncomingMessage, response: ServerResponse) => {
    if (!isSilent) response.end('ok')
  })
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  t.after(() => {
    service.closeAllConnections()
    service.close()
  })
  const [port, operationsPort] = [await freePort(), await freePort()]
  const config = join(system.folder, 'browsers.json')
  const to = [`http://127.0.0.1:${(service.address() as AddressInfo).port}`]
  writeFileSync(
    config,
    JSON.stringify({
      listen: { port },
      operations: { port: operationsPort },
      issuer: system.endpoints.identity,
      browser: {},
      routes: [{ match: '/*', to, auth: { audience: 'orders' } }],
    }),
  )
  const run = async (): Promise<CommandRun> => {
    const gateway = runPortcullis(['gateway', '--config', config], { folder: system.folder })
    await untilAnswered(`http://127.0.0.1:${operationsPort}/health/ready`)
    return gateway
  }
  const url = `http://localhost:${port}`
  const ask = (cookie: string): Promise<Response> => fetch(`${url}/`, { headers: { cookie } })

  const first = await run()
  const { identifier, password } = system.credentials.accounts[1] ?? assert.fail()
  const login = await fetch(`${url}/_portcullis/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url },
    body: JSON.stringify({ identifier, password }),
  })
  assert.equal(login.status, 200, await login.text())
  const cookie = cookieOf(login)
  const asked = once(service, 'request')
  const lost = ask(cookie).catch(() => 'lost')
  // With the request comes an access token, so the refresh token was exchanged.
  await asked
  first.child.kill('SIGKILL')
  await first.ended
  assert.equal(await lost, 'lost')

  isSilent = false
  const second = await run()
  t.after(async () => {
    second.child.kill('SIGKILL')
    await second.ended
  })
  const answer = await ask(cookie)
  assert.equal(answer.status, 200)
  const next = cookieOf(answer)
  assert.notEqual(next, cookie)
  for (const either of [next, cookie]) assert.equal((await ask(either)).status, 200)
})

function cookieOf(answer: Response): string {
  return answer.headers.getSetCookie()[0]?.split(';')[0] ?? assert.fail('no cookie')
}
