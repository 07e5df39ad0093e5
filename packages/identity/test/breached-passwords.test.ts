import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { createBreachedPasswords } from '../src/passwords/breached-passwords.ts'
import { normalisePassword } from '../src/domain/passwords.ts'
import { createLogInMemory } from './running-identity.ts'

// printf %s password | sha1sum
const password = normalisePassword('password')
const prefix = '5BAA6'
const suffix = '1E4C9B93F3F0682250B6CF8331B7EE68FD8'
const otherLine = '0018A45C4D1DEF81644B54AB7F969B88D65:3'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

interface Service {
  readonly ask: () => Promise<boolean | 'unknown'>
  readonly seen: readonly IncomingMessage[]
  readonly logged: () => string
}

async function serve(t: TestContext, answer: Answer, timeoutMs = 10_000): Promise<Service> {
  const seen: IncomingMessage[] = []
  const server = createServer((request, response) => {
    seen.push(request)
    answer(request, response)
  })
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { log, logged } = createLogInMemory()
  const baseUrl = `http://127.0.0.1:${port}/mirror/`
  const isBreached = createBreachedPasswords({ log, baseUrl, timeoutMs })
  return { ask: () => isBreached(password), seen, logged }
}

function lines(...text: readonly string[]): Answer {
  return (_request, response) => response.end(text.join('\r\n'))
}

test('five characters of the SHA-1 are asked for, padded, and nothing else leaves', async (t) => {
  const { ask, seen, logged } = await serve(t, lines(otherLine, `${suffix}:42`))
  assert.equal(await ask(), true)
  assert.equal(seen.length, 1)
  const [request] = seen
  assert.equal(request?.method, 'GET')
  assert.equal(request.url, `/mirror/range/${prefix}`)
  assert.equal(request.headers['add-padding'], 'true')
  assert.equal(request.headers['user-agent'], 'portcullis')
  const sent = JSON.stringify(request.rawHeaders) + request.url
  assert.ok(!sent.includes('password') && !sent.toUpperCase().includes(suffix))
  assert.equal(logged(), '')
})

test('a suffix that is absent, or only there as padding, was in no breach', async (t) => {
  const absent = await serve(t, lines(otherLine))
  assert.equal(await absent.ask(), false)
  const padded = await serve(t, lines(otherLine, `${suffix}:0`))
  assert.equal(await padded.ask(), false)
})

test('a mirror may answer in lower case and with plain line breaks', async (t) => {
  const { ask } = await serve(t, (_request, response) =>
    response.end(`${otherLine}\n${suffix.toLowerCase()}:7\n`),
  )
  assert.equal(await ask(), true)
})

function* endlessLines(): Generator<string> {
  for (;;) yield `${otherLine}\r\n`.repeat(1000)
}

const failures: Readonly<Record<string, readonly [Answer, RegExp]>> = {
  'an error': [(_request, response) => response.writeHead(503).end(), /status 503/],
  'no content': [(_request, response) => response.writeHead(204).end(), /status 204/],
  'a redirect': [
    (_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
    /"detail":"\w+"/,
  ],
  'a broken connection': [(request) => request.socket.destroy(), /"detail":"\w+"/],
  'half an answer': [
    (_request, response) => {
      response.writeHead(200, { 'content-length': 5000 })
      response.write(`${otherLine}\r\n`, () => response.destroy())
    },
    /"detail":"\w+"/,
  ],
  'an answer without end': [
    (_request, response) => {
      pipeline(Readable.from(endlessLines()), response).catch(() => undefined)
    },
    /answer too long/,
  ],
}

test('when the service fails the password is taken, with a warning that gives nothing away', async (t) => {
  assert.ok(Object.keys(failures).length > 0)
  for (const [name, [answer, why]] of Object.entries(failures)) {
    const { ask, logged } = await serve(t, answer)
    assert.equal(await ask(), 'unknown', name)
    const [line, ...others] = logged().trim().split('\n')
    assert.match(line ?? '', /"level":40/, name)
    assert.match(line ?? '', why, name)
    assert.deepEqual(others, [], name)
    assert.doesNotMatch(logged(), new RegExp(`${prefix}|${suffix}|"password"|range`, 'i'), name)
  }
})

test('a service that never answers, or stops in the middle, is not waited for', async (t) => {
  const silent = await serve(t, () => undefined, 50)
  assert.equal(await silent.ask(), 'unknown')
  assert.match(silent.logged(), /TimeoutError/)
  const stuck = await serve(t, (_request, response) => response.write(`${otherLine}\r\n`), 50)
  assert.equal(await stuck.ask(), 'unknown')
  assert.match(stuck.logged(), /TimeoutError/)
})
