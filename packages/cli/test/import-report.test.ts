import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import type { ImportReport } from '../src/remote/import-report.ts'
import { createImportReport } from '../src/remote/import-report.ts'

interface Watched {
  readonly report: ImportReport
  readonly output: () => string
  readonly errors: () => string
  readonly advanceMs: (ms: number) => void
}

/** What was written since it was last asked. */
function createSheet(): { readonly stream: Writable; readonly taken: () => string } {
  let text = ''
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      text += String(chunk)
      done()
    },
  })
  const taken = (): string => {
    const all = text
    text = ''
    return all
  }
  return { stream, taken }
}

function watch({ json = false, isTTY = false, isDryRun = false } = {}): Watched {
  let nowMs = 0
  const output = createSheet()
  const errors = createSheet()
  const report = createImportReport({
    json,
    isDryRun,
    output: output.stream,
    errors: Object.assign(errors.stream, { isTTY }),
    nowMs: () => nowMs,
  })
  return {
    report,
    output: output.taken,
    errors: errors.taken,
    advanceMs: (ms) => (nowMs += ms),
  }
}

const counts = { lines: 12, imported: 9, existing: 1, mistaken: 2 }
const mistakes = [
  { line: 3, field: '/email', message: 'is not an e-mail address' },
  { line: 5, field: '', message: 'is not UTF-8' },
]

test('a log hears of the progress every ten seconds, and a terminal five times a second in one line', async () => {
  const log = watch()
  log.advanceMs(9999)
  await log.report.progress(counts)
  assert.equal(log.errors(), '')
  log.advanceMs(1)
  await log.report.progress(counts)
  const said = 'accounts imported: 9, there already: 1, lines with mistakes: 2'
  assert.equal(log.errors(), `12 lines read, ${said}\n`)
  await log.report.progress(counts)
  assert.equal(log.errors(), '')

  const terminal = watch({ isTTY: true })
  terminal.advanceMs(200)
  await terminal.report.progress(counts)
  assert.equal(terminal.errors(), `\r\u001b[K12 lines read, ${said}`)
  await terminal.report.mistake({ line: 3, field: '', message: 'is not UTF-8' })
  assert.equal(terminal.errors(), '\r\u001b[Kline 3: the line is not UTF-8\n')
  await terminal.report.end(counts)
  assert.equal(terminal.errors(), '\r\u001b[K')
  assert.equal(terminal.output(), `${said}\n`)
})

test('people get mistakes on standard error and the result on standard output', async () => {
  const { report, output, errors } = watch({ isDryRun: true })
  for (const mistake of mistakes) await report.mistake(mistake)
  await report.end(counts)
  assert.equal(errors(), 'line 3: /email is not an e-mail address\nline 5: the line is not UTF-8\n')
  assert.equal(
    output(),
    'accounts could be imported: 9, there already: 1, lines with mistakes: 2\n',
  )
})

test('programs get one object, with or without mistakes', async () => {
  for (const some of [[], mistakes.slice(0, 1), mistakes]) {
    const { report, output, errors } = watch({ json: true })
    for (const mistake of some) await report.mistake(mistake)
    await report.end(counts)
    assert.deepEqual(JSON.parse(output()), { mistakes: some, dry_run: false, ...counts })
    assert.equal(errors(), '')
  }
})
