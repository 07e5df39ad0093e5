import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Engine } from '../packages/identity/test/engines.ts'
import { sqlite, testOnEngines } from '../packages/identity/test/engines.ts'
import { queryStore } from '../packages/identity/test/store-query.ts'
import type { Finished, IssuerPlace, Tokens } from './issuer-place.ts'
import { createIssuerPlace, finished, patienceMs } from './issuer-place.ts'
import type { CommandRun } from './running-system.ts'
import { bearer, newFolder, postJson, removeFolder, runPortcullis } from './running-system.ts'

async function placeAt(t: TestContext, database: string): Promise<IssuerPlace> {
  const place = await createIssuerPlace(database)
  t.after(place.close)
  return place
}

/** People who refresh one after the other, until it is enough; answers how many times each was answered. */
async function refreshUntil(place: IssuerPlace, isOver: () => boolean): Promise<readonly number[]> {
  const people = await Promise.all(Array.from({ length: 4 }, () => place.signIn()))
  return Promise.all(
    people.map(async ({ refresh_token: first }) => {
      let token = first
      for (let times = 0; ; times += 1) {
        if (isOver()) return times
        const answer = await place.refresh(token)
        assert.equal(answer.status, 200)
        token = ((await answer.json()) as Tokens).refresh_token
      }
    }),
  )
}

/** On SQLite over the store that is there; a server gets a database beside it. */
async function targetOf(t: TestContext, engine: Engine, database: string): Promise<string> {
  return engine.name === 'SQLite' ? database : engine.createStore(t)
}

testOnEngines(
  'a backup that was taken in use is put back, and what was taken back since is not let in again',
  async (t, engine) => {
    const database = await engine.createStore(t)
    const place = await placeAt(t, database)
    const { issuer, signIn, command, fateOf } = place
    await place.start()
    const before = await signIn()

    let isOver = false
    const load = refreshUntil(place, () => isOver)
    await pause(200)
    const taken = await command('backup', '--write-to', 'monday', '--json')
    isOver = true
    assert.equal(taken.code, 0, taken.errors)
    assert.deepEqual(JSON.parse(taken.output), {
      folder: 'monday',
      ...(JSON.parse(
        readFileSync(join(place.folder, 'monday', 'manifest.json'), 'utf8'),
      ) as object),
    })
    const served = await load
    assert.ok(Math.min(...served) > 1, served.join())

    const later = await signIn()
    const out = await postJson(`${issuer}/logout`, {}, bearer(before.access_token))
    assert.equal(out.status, 200)
    while ((await fateOf(before.access_token)) !== 'revoked') await pause(5)
    assert.equal(await fateOf(later.access_token), 'accepted')

    const target = await targetOf(t, engine, database)
    const replace = engine.name === 'SQLite' ? ['--replace'] : []
    const restore = ['restore', 'monday', '--database', target, ...replace]
    if (engine.name === 'SQLite') {
      const early = await command(...restore)
      assert.deepEqual([early.code, /is in use/.test(early.errors)], [1, true], early.errors)
    }
    await place.stop()
    const restored = await command(...restore)
    assert.equal(restored.code, 0, restored.errors)
    assert.match(restored.output, /^monday is put back; a new epoch begins/)
    const startedAt = performance.now()
    place.variables['PORTCULLIS_DATABASE'] = target
    await place.start()
    t.diagnostic(`ready ${((performance.now() - startedAt) / 1000).toFixed(1)} s after its start`)

    const fresh = await signIn()
    const comesBackAt = performance.now()
    while ((await fateOf(later.access_token)) === 'accepted') {
      assert.equal(await fateOf(before.access_token), 'revoked')
      assert.ok(performance.now() - comesBackAt < patienceMs, 'it is never refused')
      await pause(20)
    }
    const heardMs = performance.now() - comesBackAt
    t.diagnostic(`heard of by the service ${(heardMs / 1000).toFixed(1)} s later`)
    assert.equal(await fateOf(fresh.access_token), 'accepted')
    for (const { access_token: access, refresh_token: token } of [before, later]) {
      assert.equal(await fateOf(access), 'revoked')
      assert.equal((await place.refresh(token)).status, 400)
    }
    const checked = await command('audit', 'verify', '--database', target)
    assert.equal(checked.code, 0, checked.errors)
  },
)

/** Fills a store with so much that copying it takes a while. */
async function addBallast(database: string): Promise<void> {
  await queryStore(
    database,
    `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT 400000)
     INSERT INTO used_proofs (key, until_at) SELECT 'proof that was used at some time ' || n, n FROM numbers`,
  )
}

/** Kills a command as soon as a draft of some size is there. */
async function killInMiddle(run: CommandRun, folder: string): Promise<void> {
  let isOver = false
  void run.ended.then(() => (isOver = true))
  while (!readdirSync(folder).some((name) => name.endsWith('.portcullis-draft'))) {
    assert.ok(!isOver, `it was over before: ${run.errors()}`)
    await pause(1)
  }
  run.child.kill('SIGKILL')
  assert.equal(await run.ended, 'SIGKILL')
}

test('backup and restore that are killed leave nothing that looks whole, and can be run again', async (t) => {
  const database = await sqlite.createStore(t)
  const place = await placeAt(t, database)
  await place.start()
  await place.stop()
  await addBallast(database)
  const backup = ['backup', '--write-to', 'backup']
  await killInMiddle(place.run(...backup), place.folder)
  assert.ok(!existsSync(join(place.folder, 'backup')))
  const taken = await place.command(...backup)
  assert.equal(taken.code, 0, taken.errors)

  const path = join(place.folder, 'restored', 'identity.db')
  const restore = ['restore', 'backup', '--database', `sqlite:${path}`]
  assert.equal((await place.command(...restore)).code, 0)
  const count = 'SELECT count(*) AS count FROM used_proofs'
  await queryStore(`sqlite:${path}`, 'DELETE FROM used_proofs')
  await killInMiddle(place.run(...restore, '--replace'), join(place.folder, 'restored'))
  const [untouched] = await queryStore(`sqlite:${path}`, count)
  assert.equal(untouched?.['count'], 0)
  const again = await place.command(...restore, '--replace', '--json')
  assert.equal(again.code, 0, again.errors)
  const { kept } = JSON.parse(again.output) as { readonly kept: string }
  const [whole] = await queryStore(`sqlite:${path}`, count)
  assert.equal(whole?.['count'], 400_000)
  assert.equal((await queryStore(`sqlite:${kept}`, count))[0]?.['count'], 0)
})

test('what backup and restore cannot do is said with the exit codes of the command line', async (t) => {
  const folder = newFolder()
  t.after(() => removeFolder(folder))
  const command = (parameters: readonly string[]): Promise<Finished> =>
    finished(runPortcullis(parameters, { folder }))
  const whose = ['--issuer', 'https://id.example']
  const nobody = ['--database', 'postgres://nobody@127.0.0.1:1/none']
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['backup', '--database', 'sqlite:a.db', ...whose], 2, /--write-to <folder>/],
    [['backup', '--write-to', 'b', ...whose], 2, /no database is named/],
    [
      ['backup', '--write-to', 'b', '--database', 'sqlite:a.db'],
      1,
      /there is no portcullis\.identity\.json\nSay whose store it is with --issuer URL, or .* --config FILE/,
    ],
    [['backup', '--write-to', 'b', '--database', 'sqlite:a.db', ...whose], 1, /no store at a\.db/],
    [['backup', '--write-to', 'b', '--database', 'a.db', ...whose], 1, /is not supported/],
    [['backup', '--write-to', 'b', ...nobody, ...whose], 3, /cannot be reached: ECONNREFUSED/],
    [['restore', '--database', 'sqlite:a.db', ...whose], 2, /missing required argument 'folder'/],
    [['restore', 'b', '--database', 'sqlite:a.db', ...whose], 1, /there is no backup at b/],
  ]
  for (const [parameters, code, said] of cases) {
    const run = await command(parameters)
    assert.equal(run.code, code, run.errors)
    assert.match(run.errors, said)
    assert.equal(run.output, '')
  }
  assert.deepEqual(readdirSync(folder), [])
})
