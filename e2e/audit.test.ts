import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { queryStore } from '../packages/identity/test/store-query.ts'
import { freePort } from '../tools/free-port.ts'
import type { CommandRun, Variables } from './running-system.ts'
import { newFolder, removeFolder, runPortcullis } from './running-system.ts'

interface Finished {
  readonly code: number | string
  readonly output: string
  readonly errors: string
}

interface Started {
  readonly database: string
  /** A remote command, as the administrator. */
  readonly remote: (...parameters: readonly string[]) => Promise<Finished>
  /** A command beside the database, with the sealing key unless it is told otherwise. */
  readonly here: (parameters: readonly string[], variables?: Variables) => Promise<Finished>
}

const patienceMs = 40_000

async function start(t: TestContext): Promise<Started> {
  const folder = newFolder()
  const database = `sqlite:${join(folder, 'identity.db')}`
  t.after(() => removeFolder(folder))
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const keys: Variables = {
    PORTCULLIS_SEALING_KEY: randomBytes(32).toString('base64'),
    PORTCULLIS_REFRESH_PEPPER: randomBytes(32).toString('base64'),
  }
  const variables = { ...keys, PORTCULLIS_DATABASE: database }
  const settings = { issuer, audiences: {}, listen: { port }, operations: { port: 0 } }
  writeFileSync(join(folder, 'portcullis.identity.json'), JSON.stringify(settings))
  const bootstrap = await finished(runPortcullis(['bootstrap'], { folder, variables }))
  assert.equal(bootstrap.code, 0, bootstrap.errors)
  const identity = runPortcullis(['identity'], { folder, variables })
  t.after(async () => {
    identity.child.kill('SIGTERM')
    await identity.ended
  })
  const deadline = performance.now() + patienceMs
  while (!identity.output().includes('identity is ready')) {
    if (performance.now() > deadline) throw new Error(`${identity.errors()}${identity.output()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const as = ['--issuer', issuer, '--credentials', 'credentials.json']
  return {
    database,
    remote: (...parameters) => finished(runPortcullis([...parameters, ...as], { folder })),
    here: (parameters, others = keys) =>
      finished(runPortcullis(parameters, { folder, variables: others })),
  }
}

async function finished(run: CommandRun): Promise<Finished> {
  const code = await run.ended
  return { code, output: run.output(), errors: run.errors() }
}

/** By the names that people know, and by the ids that are left when nobody is called so any more. */
async function assertFiltered(remote: Started['remote']): Promise<void> {
  const kept = ['--reason', 'for the record']
  const made = await remote(
    'clients',
    'create',
    'billing',
    '--write-to',
    'b.json',
    '--json',
    ...kept,
  )
  const { client_id: clientId } = JSON.parse(made.output) as { client_id: string }
  assert.equal((await remote('clients', 'disable', 'billing', ...kept)).code, 0)
  const since = new Date(Date.now() - 60_000).toISOString().replace('Z', '+00:00')
  for (const filter of [
    ['--client', 'billing', '--actor', 'admin', '--from', since],
    ['--client', clientId, '--from', '2026-01-31', '--to', '2099-01-31'],
  ]) {
    const shown = await remote('audit', 'list', ...filter)
    const rows = shown.output.trim().split('\n').slice(1)
    assert.equal(rows.length, 2, `${shown.output}${shown.errors}`)
    for (const row of rows) assert.match(row, / client billing +admin .* for the record$/)
  }
  assert.equal((await remote('clients', 'delete', clientId, ...kept)).code, 0)
  const gone = await remote('audit', 'list', '--client', 'billing')
  assert.equal(gone.code, 1)
  assert.match(gone.errors, /there is no client billing/)
  const buried = await remote('audit', 'list', '--client', clientId)
  assert.match(buried.output, new RegExp(`client-deleted +client ${clientId} +admin `))
  for (const [option, text, code] of [
    ['--account', 'nobody@example.com', 1],
    ['--client', 'no name', 1],
    ['--from', '2026-02-30', 2],
    ['--to', 'yesterday', 2],
  ] as const) {
    assert.equal((await remote('audit', 'list', option, text)).code, code, option)
  }
}

test('audit list and audit verify, of a node and of the store itself', async (t) => {
  const { database, remote, here } = await start(t)
  const table = await remote('audit', 'list', '--limit', '2')
  assert.equal(table.code, 0, table.errors)
  assert.match(table.output, /^AT +KIND +SUBJECT +ACTOR/)
  const cursor = /--after (\d+)/.exec(table.errors)?.[1] ?? ''
  const rest = await remote('audit', 'list', '--after', cursor, '--json')
  const { events } = JSON.parse(rest.output) as { events: readonly { kind: string }[] }
  assert.equal(events.at(-1)?.kind, 'store-bootstrapped')

  await assertFiltered(remote)
  const whole = await remote('audit', 'verify')
  assert.deepEqual([whole.code, whole.errors], [0, ''])
  assert.match(whole.output, /^\d+ records of 2 chains hold\n$/)
  const beside = await here(['audit', 'verify', '--database', database, '--json'])
  assert.equal(beside.code, 0, beside.errors)
  assert.partialDeepStrictEqual(JSON.parse(beside.output), { ok: true, chains: 2 })
  const anchor = `${'A'.repeat(22)}:1:${'A'.repeat(43)}`
  const noted = await here(['audit', 'verify', '--database', database, '--anchor', anchor])
  assert.equal(noted.code, 1)
  assert.match(noted.errors, /does not hold: anchor, chain "A+", seq 1/)
  const keyless = await here(['audit', 'verify', '--database', database], {})
  assert.equal(keyless.code, 2)
  assert.match(keyless.errors, /PORTCULLIS_SEALING_KEY/)

  await queryStore(database, "UPDATE events SET at = at - 1 WHERE kind = 'node-started'")
  for (const bad of [
    await remote('audit', 'verify', '--json'),
    await here(['audit', 'verify', '--database', database, '--json']),
  ]) {
    assert.equal(bad.code, 1)
    assert.match(bad.errors, /does not hold: changed, chain "[\w-]+", seq 1, row \d+/)
    const { ok, first_bad: first } = JSON.parse(bad.output) as Record<string, unknown>
    assert.equal(ok, false)
    assert.partialDeepStrictEqual(first, { what: 'changed', seq: 1 })
  }
})
