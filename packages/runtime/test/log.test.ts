import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Log } from '../src/index.ts'
import { createLog } from '../src/index.ts'

/** Runs a step and answers the lines that it logged. */
function logged(step: (log: Log) => void, level?: string): readonly Record<string, unknown>[] {
  const lines: string[] = []
  const destination = { write: (line: string): unknown => lines.push(line) }
  step(createLog({ name: 'test', destination, ...(level === undefined ? {} : { level }) }))
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

test('a line is one JSON object with the name of the process, the facts and the message', () => {
  const [line = {}, ...others] = logged((log) => log.info({ port: 4000 }, 'ready'))
  assert.deepEqual(others, [])
  assert.equal(line['name'], 'test')
  assert.equal(line['port'], 4000)
  assert.equal(line['msg'], 'ready')
})

function speak(log: Log): void {
  log.debug('details')
  log.info('news')
  log.error('trouble')
}

test('the level is info unless another one is chosen', () => {
  const spoken = [undefined, 'debug', 'error'].map((level) =>
    logged(speak, level).map(({ msg }) => msg),
  )
  assert.deepEqual(spoken, [['news', 'trouble'], ['details', 'news', 'trouble'], ['trouble']])
})

const secretMembers = [
  'password',
  'authorization',
  'cookie',
  'token',
  'access_token',
  'refresh_token',
  'client_secret',
  'privateKey',
  'headers',
  'body',
]

test('members that the vocabulary does not have are named and not written', () => {
  const facts = { reason: 'expired', status: 401, note: 'hidden', request: { path: 'hidden' } }
  const [line = {}] = logged((log) => log.info(facts, 'a request'))
  assert.ok(!JSON.stringify(line).includes('hidden'))
  assert.deepEqual(line['leftOut'], ['note', 'request'])
  assert.deepEqual([line['reason'], line['status']], ['expired', 401])
  const [flat = {}] = logged((log) => log.info({ note: 'hidden' }, 'a request'))
  assert.deepEqual([flat['leftOut'], flat['note']], [['note'], undefined])
  const [sound = {}] = logged((log) => log.info({ reason: 'expired' }, 'a request'))
  assert.ok(!('leftOut' in sound))
})

test('members that may hold a credential are removed, by themselves and one level down', () => {
  assert.ok(secretMembers.length > 0)
  for (const member of secretMembers) {
    const facts = { [member]: 'hidden', host: 'shown', err: { [member]: 'hidden', path: '/' } }
    const [line = {}] = logged((log) => log.info(facts, 'a request'))
    assert.ok(!JSON.stringify(line).includes('hidden'), member)
    assert.equal(line['host'], 'shown')
    assert.deepEqual(line['err'], { path: '/' })
  }
})

test('an error that is logged keeps its message and loses the request it carries', () => {
  const error = Object.assign(new Error('refused'), { headers: { authorization: 'hidden' } })
  const [line = {}] = logged((log) => log.error({ err: error }, 'unexpected error'))
  const text = JSON.stringify(line)
  assert.ok(text.includes('refused') && !text.includes('hidden'), text)
  assert.match(text, /"type":"Error"/)
})

test('a child log, and a child of it, hide the same members, in their own facts too', () => {
  const [line = {}] = logged((log) =>
    log
      .child({ host: 'child', token: 'hidden', err: { body: 'hidden', path: '/' } })
      .child({ cookie: 'hidden' })
      .info({ token: 'hidden' }, 'x'),
  )
  assert.equal(line['host'], 'child')
  assert.deepEqual(line['err'], { path: '/' })
  assert.ok(!JSON.stringify(line).includes('hidden'))
})

test('what knows by itself how to be written is left alone', () => {
  const [line = {}] = logged((log) => log.info({ validUntil: new Date(0), kids: ['one'] }, 'x'))
  assert.equal(line['validUntil'], '1970-01-01T00:00:00.000Z')
  assert.deepEqual(line['kids'], ['one'])
})
