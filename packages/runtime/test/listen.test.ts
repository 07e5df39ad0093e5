import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { listen, listenError, StartError, systemErrorCode } from '../src/index.ts'

const loopback = '127.0.0.1'

async function listenHere(t: TestContext, host: string, port: number): Promise<number> {
  const server = createServer((_request, response) => response.end('here'))
  t.after(() => server.close())
  return listen(server, { host, port }, 'the test')
}

test('port 0 takes any free port, and the answer is the one that was taken', async (t) => {
  const port = await listenHere(t, loopback, 0)
  assert.ok(port > 0)
  const answer = await fetch(`http://${loopback}:${port}/`)
  assert.equal(await answer.text(), 'here')
})

test('a port that is in use is a StartError that names who wanted it and where', async (t) => {
  const port = await listenHere(t, loopback, 0)
  await assert.rejects(listenHere(t, loopback, port), (error) => {
    assert.ok(error instanceof StartError)
    assert.equal(error.message, `the test cannot listen on ${loopback}:${port}: the port is in use`)
    assert.equal(error.remedy, 'Stop the process that holds it, or choose another port.')
    assert.equal(systemErrorCode(error.cause), 'EADDRINUSE')
    return true
  })
})

test('an address that is not of this machine is a StartError', async (t) => {
  // RFC 5737 keeps this network for documentation, so no machine has it.
  await assert.rejects(
    listenHere(t, '192.0.2.1', 0),
    (error) => error instanceof StartError && error.message.includes('no such address'),
  )
})

test('every reason that an operator can mend has its own words, and others stay as they are', () => {
  const address = { host: loopback, port: 80 }
  const reasons = [
    ['EADDRINUSE', /in use/],
    ['EACCES', /permission denied/],
    ['EADDRNOTAVAIL', /no such address/],
    ['ENOTFOUND', /no such address/],
    ['EAI_AGAIN', /no such address/],
  ] as const
  for (const [code, words] of reasons) {
    const error = listenError(Object.assign(new Error(code), { code }), address, 'gateway')
    assert.ok(error instanceof StartError, code)
    assert.match(error.message, /^gateway cannot listen on 127\.0\.0\.1:80: /)
    assert.match(error.message, words)
  }
  const other = new Error('something else')
  assert.equal(listenError(other, address, 'gateway'), other)
  assert.equal(listenError('a text', address, 'gateway'), 'a text')
})
