import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from '../src/index.ts'
import { faultsOfLine, keepLines } from './kept-lines.ts'

/** What tests that keep the log find wrong with a line of these facts. */
function faultsOf(facts: object): readonly string[] {
  const lines: string[] = []
  const destination = { write: (line: string): unknown => lines.push(line) }
  createLog({ name: 'identity', destination }).info(facts, 'what happened')
  const [line] = lines
  assert.ok(line !== undefined)
  return faultsOfLine(line)
}

test('a line of the log is held against docs/logs.md by the names and the types of its members', () => {
  const sound = {
    reason: 'expired',
    status: 401,
    complete: true,
    mistakes: ['one'],
    evidence: { networks: ['a'] },
    err: new Error('no'),
    validUntil: new Date(0),
    port: undefined,
  }
  assert.deepEqual(faultsOf(sound), [])
  for (const [facts, fault] of [
    [{ status: '401' }, 'status is text and not number'],
    [{ durationMs: Number.NaN }, 'durationMs is null and not number'],
    [{ reason: 5 }, 'reason is number and not text'],
    [{ mistakes: 'one' }, 'mistakes is text and not list'],
    [{ kids: { first: 'a' } }, 'kids is object and not list'],
    [{ evidence: ['a'] }, 'evidence is list and not object'],
    [{ complete: 'yes' }, 'complete is text and not boolean'],
    [{ password: 'secret' }, 'leftOut is not in docs/logs.md'],
  ] as const) {
    assert.deepEqual(faultsOf(facts), [fault])
  }
  assert.deepEqual(faultsOfLine('{"level":30,"time":1,"pid":1,"hostname":"a","name":"b"}'), [
    'msg is missing',
  ])
})

test('a log that is kept lets no such line through', () => {
  const lines: string[] = []
  const log = createLog({ name: 'identity', destination: keepLines(lines) })
  log.info({ status: 200 }, 'request')
  assert.throws(() => log.info({ status: '200' }, 'request'), /not in the vocabulary of the log/)
  assert.equal(lines.length, 1)
})
