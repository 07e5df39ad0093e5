import assert from 'node:assert/strict'
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { Engine } from '../packages/identity/test/engines.ts'
import { testOnEngines } from '../packages/identity/test/engines.ts'
import { queryStore } from '../packages/identity/test/store-query.ts'
import { freePort } from '../tools/free-port.ts'
import type { CommandRun, Variables } from './running-system.ts'
import { newFolder, postJson, removeFolder, runPortcullis } from './running-system.ts'

/** Identity as a process of its own on some engine, with an administrator, and the command beside it. */
interface Started {
  readonly folder: string
  readonly issuer: string
  readonly importing: (parameters: readonly string[], input?: Buffer) => CommandRun
  /** How many people were imported, asked of the database itself. */
  readonly countPeople: () => Promise<number>
  readonly query: (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>
  /** SIGKILL. */
  readonly killIdentity: () => Promise<void>
  readonly startIdentity: () => Promise<void>
}

async function start(t: TestContext, engine: Engine): Promise<Started> {
  const database = await engine.createStore(t)
  const folder = newFolder()
  t.after(() => removeFolder(folder))
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const variables: Variables = {
    PORTCULLIS_DATABASE: database,
    PORTCULLIS_SEALING_KEY: randomBytes(32).toString('base64'),
    PORTCULLIS_REFRESH_PEPPER: randomBytes(32).toString('base64'),
  }
  const settings = {
    issuer,
    audiences: { orders: { roles: ['customer'] } },
    listen: { port },
    operations: { port: 0 },
  }
  writeFileSync(join(folder, 'portcullis.identity.json'), JSON.stringify(settings))
  const bootstrap = runPortcullis(['bootstrap'], { folder, variables })
  assert.equal(await bootstrap.ended, 0, bootstrap.errors())

  let identity: CommandRun | undefined
  const startIdentity = async (): Promise<void> => {
    identity = runPortcullis(['identity'], { folder, variables })
    await untilReady(identity)
  }
  const killIdentity = async (): Promise<void> => {
    identity?.child.kill('SIGKILL')
    await identity?.ended
  }
  t.after(killIdentity)
  await startIdentity()
  const remote = ['--issuer', issuer, '--credentials', 'credentials.json']
  const query: Started['query'] = (sql) => queryStore(database, sql)
  return {
    folder,
    issuer,
    importing: (parameters, input) =>
      runPortcullis(['accounts', 'import', ...parameters, ...remote], {
        folder,
        ...(input && { input }),
      }),
    countPeople: async () => {
      const [row] = await query(
        "SELECT count(*) AS count FROM accounts WHERE identifier <> 'admin'",
      )
      return Number(row?.['count'])
    },
    query,
    killIdentity,
    startIdentity,
  }
}

const patienceMs = 20_000

async function untilReady(run: CommandRun): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!run.output().includes('identity is ready')) {
    if (performance.now() > deadline) throw new Error(`${run.errors()}${run.output()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function finished(
  run: CommandRun,
): Promise<{ readonly code: number | string; readonly output: string; readonly errors: string }> {
  const code = await run.ended
  return { code, output: run.output(), errors: run.errors() }
}

/** As passlib writes it. */
const password = 'correct horse'
const salt = Buffer.from('sixteen octets..')
const digest = pbkdf2Sync(password, salt, 1000, 32, 'sha256')
const ab64 = (bytes: Buffer): string =>
  bytes.toString('base64').replaceAll('+', '.').replace(/=+$/, '')
const hash = `$pbkdf2-sha256$1000$${ab64(salt)}$${ab64(digest)}`

function linesOf(lines: readonly (object | string | Buffer)[]): Buffer {
  const bytes = lines.flatMap((line) => [
    Buffer.isBuffer(line)
      ? line
      : Buffer.from(typeof line === 'string' ? line : JSON.stringify(line)),
    Buffer.from('\n'),
  ])
  return Buffer.concat(bytes)
}

const carol = {
  identifier: 'carol@mail.example',
  password_hash: hash,
  email_verified: true,
  roles: ['customer'],
  attributes: { tenant: 'north' },
}
const dave = { identifier: 'dave', password_hash: hash, blocked: true }
const grace = { identifier: 'grace', password_hash: hash }
const misread = 'hunter2'

const withMistakes = linesOf([
  carol,
  dave,
  Buffer.from('{"identifier":"zwölf"}', 'latin1'),
  `{"identifier":"erin","password_hash":"${hash}"`,
  { ...carol, identifier: 'ＣＡＲＯＬ@mail.example' },
  { identifier: 'frank', password_hash: misread, roles: ['king', 'customer'] },
  '',
  { identifier: 'heidi', password_hash: hash, attributes: { note: 'x'.repeat(13_000) } },
  grace,
])
const mistakes = [
  { line: 3, field: '', message: 'is not UTF-8' },
  { line: 4, field: '', message: 'is not JSON' },
  { line: 5, field: '/identifier', message: 'is the same as in line 1' },
  { line: 6, field: '/password_hash', message: 'is of no kind that is known here' },
  { line: 6, field: '/roles/0', message: 'is not a known role' },
  { line: 8, field: '', message: 'has more than 12288 bytes' },
]

testOnEngines(
  'accounts are rehearsed, imported, and imported again, and every mistake has its line',
  async (t, engine) => {
    const { folder, issuer, importing, countPeople } = await start(t, engine)
    writeFileSync(join(folder, 'accounts.jsonl'), withMistakes)
    const rehearsed = await finished(importing(['accounts.jsonl', '--dry-run']))
    assert.equal(rehearsed.code, 1, rehearsed.errors)
    assert.equal(
      rehearsed.output,
      'accounts could be imported: 3, there already: 0, lines with mistakes: 5\n',
    )
    assert.match(rehearsed.errors, /^line 6: \/password_hash is of no kind/m)
    assert.match(rehearsed.errors, /lines with mistakes: 5\nCorrect them first/)
    assert.equal(await countPeople(), 0)

    const imported = await finished(importing(['accounts.jsonl', '--json', '--reason', 'a test']))
    assert.equal(imported.code, 1, imported.errors)
    const { mistakes: named, ...counts } = JSON.parse(imported.output) as {
      readonly mistakes: typeof mistakes
    }
    assert.deepEqual(named, mistakes)
    assert.deepEqual(counts, { dry_run: false, lines: 8, imported: 3, existing: 0, mistaken: 5 })
    for (const secret of [hash, misread, 'king', ab64(digest)]) {
      assert.ok(!`${imported.output}${imported.errors}${rehearsed.errors}`.includes(secret))
    }
    assert.equal(await countPeople(), 3)
    const login = (identifier: string): Promise<Response> =>
      postJson(`${issuer}/login`, { identifier, password })
    assert.equal((await login(carol.identifier)).status, 200)
    assert.equal((await login(dave.identifier)).status, 403)

    const corrected = linesOf([carol, dave, { ...grace, identifier: 'ivan' }, grace])
    const again = await finished(importing(['-'], corrected))
    const expected = 'accounts imported: 1, there already: 3, lines with mistakes: 0\n'
    assert.deepEqual(again, { code: 0, output: expected, errors: '' })
    const strict = await finished(importing(['-', '--on-existing', 'fail'], corrected))
    assert.equal(strict.code, 1)
    assert.match(strict.errors, /^line 4: \/identifier is taken already$/m)
    const shown = await finished(importing(['-', '--dry-run'], shownInReadme()))
    assert.equal(shown.code, 0, shown.errors)
    assert.match(
      shown.output,
      /^accounts could be imported: 0, there already: 2, lines with mistakes: 0$/m,
    )
    const empty = await finished(importing(['-'], Buffer.from('\n\n')))
    assert.equal(empty.code, 1)
    assert.match(empty.errors, /there is no account in the file/)
    assert.equal(await countPeople(), 4)
  },
)

function shownInReadme(): Buffer {
  const readme = readFileSync(new URL('../packages/cli/README.md', import.meta.url), 'utf8')
  const [, shown = ''] = /^```jsonl\n(.*?)^```$/ms.exec(readme) ?? []
  return Buffer.from(shown)
}

const many = 3000
const groupLinesMax = 100

testOnEngines(
  'an import that is killed, and then loses its issuer, goes on where it stopped',
  async (t, engine) => {
    const { importing, countPeople, query, killIdentity, startIdentity } = await start(t, engine)
    const everybody = linesOf(
      Array.from({ length: many }, (_, number) => ({
        identifier: `person-${number}`,
        password_hash: hash,
        blocked: number % 2 === 0,
      })),
    )
    const untilThere = async (count: number): Promise<void> => {
      const deadline = performance.now() + patienceMs
      while ((await countPeople()) < count) {
        if (performance.now() > deadline) throw new Error('nobody was imported')
      }
    }
    const first = importing(['-'], everybody)
    await untilThere(1)
    first.child.kill('SIGKILL')
    assert.equal(await first.ended, 'SIGKILL')
    const before = await countPeople()
    assert.ok(before > 0 && before < many, `${before} of ${many}: it was not in its middle`)

    const second = importing(['-', '--json'], everybody)
    // The killed command's last group may be committed after it: what is beyond that came from the second.
    await untilThere(before + groupLinesMax + 1)
    await killIdentity()
    const stopped = await finished(second)
    assert.equal(stopped.code, 3, stopped.errors)
    assert.match(stopped.errors, /cannot be reached[^]*run it again/)
    assert.equal((JSON.parse(stopped.output) as { mistaken: number }).mistaken, 0)
    await startIdentity()
    const half = await countPeople()
    assert.ok(half < many, 'it was not in its middle')

    const last = await finished(importing(['-', '--json'], everybody))
    assert.equal(last.code, 0, last.errors)
    const { imported, existing } = JSON.parse(last.output) as {
      readonly imported: number
      readonly existing: number
    }
    assert.deepEqual([imported, existing], [many - half, half])
    const kinds = await query(
      `SELECT kind, count(*) AS count, count(DISTINCT account_id) AS people FROM events
       WHERE kind LIKE 'account-%' GROUP BY kind ORDER BY kind`,
    )
    assert.deepEqual(
      kinds.map(({ kind, count, people }) => [kind, Number(count), Number(people)]),
      [
        ['account-blocked', many / 2, many / 2],
        ['account-created', many, many],
      ],
    )
  },
)

test('what cannot be imported is said before anything is asked', async (t) => {
  const folder = newFolder()
  t.after(() => removeFolder(folder))
  const account = { identifier: 'admin', password: 'not asked for', roles: ['identity-admin'] }
  const credentials = JSON.stringify({ accounts: [account], clients: [] })
  writeFileSync(join(folder, 'credentials.json'), credentials)
  const remote = ['--issuer', 'http://localhost:1', '--credentials', 'credentials.json']
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['nowhere.jsonl'], 2, /nowhere\.jsonl cannot be read \(ENOENT\)/],
    [['-', '--on-existing', 'replace'], 2, /Allowed choices are skip, fail/],
    [['-'], 3, /cannot be reached/],
  ]
  for (const [parameters, code, said] of cases) {
    const command = ['accounts', 'import', ...parameters, ...remote]
    const run = await finished(runPortcullis(command, { folder }))
    assert.equal(run.code, code, run.errors)
    assert.match(run.errors, said)
  }
})
