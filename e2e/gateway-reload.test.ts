import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { newFolder, removeFolder, runPortcullis } from './running-system.ts'

test('portcullis gateway takes its file again at SIGHUP, and goes on with the old one where it is bad', async (t) => {
  const folder = newFolder()
  t.after(() => removeFolder(folder))
  const service = createServer((request, response) => response.end(request.url))
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  t.after(() => service.close())
  const to = [`http://127.0.0.1:${(service.address() as AddressInfo).port}`]
  const path = join(folder, 'portcullis.gateway.json')
  const write = (match: string): void => {
    const routes = [{ match, to, auth: { mode: 'none' } }]
    writeFileSync(path, JSON.stringify({ listen: { port: 0 }, issuer: 'https://a', routes }))
  }

  write('/first')
  const run = runPortcullis(['gateway'], { folder })
  t.after(() => run.child.kill('SIGKILL'))
  const untilSaid = async (what: RegExp): Promise<string> => {
    const startedMs = performance.now()
    while (!what.test(run.output())) {
      assert.ok(performance.now() - startedMs < 20_000, run.output() + run.errors())
      await setTimeout(10)
    }
    return what.exec(run.output())?.[1] ?? ''
  }
  const port = await untilSaid(/"port":(\d+),.*"gateway listens"/)
  const statusOf = async (name: string): Promise<number> =>
    (await fetch(`http://127.0.0.1:${port}${name}`)).status
  assert.deepEqual([await statusOf('/first'), await statusOf('/second')], [200, 404])

  write('/second')
  run.child.kill('SIGHUP')
  await untilSaid(/("the settings file is in force")/)
  assert.deepEqual([await statusOf('/first'), await statusOf('/second')], [404, 200])

  write('second')
  run.child.kill('SIGHUP')
  await untilSaid(/routes\/0\/match must begin with .*(the settings file is not taken)/)
  assert.deepEqual([await statusOf('/first'), await statusOf('/second')], [404, 200])

  run.child.kill('SIGTERM')
  assert.equal(await run.ended, 0, run.errors())
})
