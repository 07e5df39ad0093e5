import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { IssuerPlace, Tokens } from './issuer-place.ts'
import { createIssuerPlace, patienceMs } from './issuer-place.ts'

const execute = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const main = join(root, 'packages/cli/src/main.ts')
const portcullis = `${process.execPath} --conditions=@portcullis/source ${main}`
const text = readFileSync(join(root, 'docs/runbooks.md'), 'utf8')
const upgrade = readFileSync(join(root, 'docs/upgrade.md'), 'utf8')

interface Runbook {
  readonly title: string
  readonly text: string
  readonly blocks: readonly string[]
}

const runbooks: readonly Runbook[] = text
  .split(/^## /m)
  .slice(1)
  .map((section) => ({
    title: section.slice(0, section.indexOf('\n')),
    text: section,
    blocks: blocksOf(section),
  }))

function blocksOf(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block.trim())
}

let place: IssuerPlace

before(async () => {
  place = await createIssuerPlace()
  await place.start()
})

after(() => place.close())

/** What the lines of a block answer, each as pasted into a shell. */
async function paste(block: string): Promise<readonly string[]> {
  const answers: string[] = []
  for (const line of block.split('\n')) {
    const kid = line.includes('KID') ? await activeKey() : ''
    const pasted = line
      .replaceAll('npm run portcullis --', portcullis)
      .replaceAll('http://localhost:4004', place.operations)
      .replaceAll('KID', kid)
    const env = { ...process.env, ...place.variables }
    const { stdout } = await execute('sh', ['-c', pasted], { cwd: place.folder, env })
    answers.push(stdout)
  }
  return answers
}

interface Key {
  readonly kid: string
  readonly purpose: string
  readonly state: string
}

async function activeKey(): Promise<string> {
  const listed = await place.command('keys', 'list', '--json')
  assert.equal(listed.code, 0, listed.errors)
  const { keys } = JSON.parse(listed.output) as { readonly keys: readonly Key[] }
  const key = keys.find(({ purpose, state }) => purpose === 'access-token' && state === 'active')
  return key?.kid ?? assert.fail('no key signs')
}

async function idsOf(...identifiers: readonly string[]): Promise<readonly string[]> {
  const listed = await place.command('accounts', 'list', '--json')
  const { accounts } = JSON.parse(listed.output) as {
    readonly accounts: readonly { readonly id: string; readonly identifier: string }[]
  }
  return accounts.filter(({ identifier }) => identifiers.includes(identifier)).map(({ id }) => id)
}

/** It has heard of it soon: the feed comes back within some seconds of a start. */
async function untilRefused({ access_token: token }: Tokens): Promise<void> {
  const deadline = performance.now() + patienceMs
  while ((await place.fateOf(token)) === 'accepted') {
    assert.ok(performance.now() < deadline, 'it is never refused')
    await pause(20)
  }
}

async function assertServed(): Promise<Tokens> {
  const tokens = await place.signIn()
  const deadline = performance.now() + patienceMs
  while ((await place.fateOf(tokens.access_token)) !== 'accepted') {
    assert.ok(performance.now() < deadline, await place.fateOf(tokens.access_token))
    await pause(20)
  }
  assert.equal((await place.refresh(tokens.refresh_token)).status, 200)
  return tokens
}

type Blocks = readonly string[]

/** What goes wrong, and what happens between the blocks that somebody pastes. */
const scenes: Readonly<Record<string, (blocks: Blocks) => Promise<void>>> = {
  'The sealing key is lost': async ([mend = '', look = '']) => {
    const old = await place.signIn()
    await place.stop()
    writeFileSync(join(place.folder, 'sealing.key'), randomBytes(32).toString('base64'))
    const refused = await place.command('identity')
    assert.match(refused.errors, /the stored audit key was sealed with another sealing key/)
    await paste(mend)
    await place.start()
    const [keys = '', verified = ''] = await paste(look)
    assert.match(keys, /access-token +RS256 +active/)
    assert.match(verified, /records of 1 chains hold/)
    await untilRefused(old)
    await assertServed()
  },
  'A signing key leaked': async ([withdraw = '']) => {
    const old = await place.signIn()
    const kid = await activeKey()
    const [, , listed = ''] = await paste(withdraw)
    assert.ok(listed.includes(kid), listed)
    assert.equal(await place.fateOf(old.access_token), 'key-withdrawn')
    assert.equal((await place.refresh(old.refresh_token)).status, 200)
  },
  'The pepper leaked': async ([end = '', look = '']) => {
    const old = await place.signIn()
    await paste(end)
    assert.equal(await place.fateOf(old.access_token), 'revoked')
    assert.equal((await place.refresh(old.refresh_token)).status, 400)
    const between = await place.signIn()
    await place.stop()
    place.variables['PORTCULLIS_REFRESH_PEPPER_FILE'] = 'refresh.pepper.next'
    place.variables['PORTCULLIS_REFRESH_PEPPER_PREVIOUS_FILE'] = 'refresh.pepper'
    await place.start()
    assert.equal((await place.refresh(between.refresh_token)).status, 200)
    const [ended = ''] = await paste(look)
    assert.match(ended, /all-sessions-ended .*the pepper leaked/)
  },
  'The database leaked': async ([harden = '']) => {
    const carol = await place.signIn('carol@mail.example')
    const [, administrators = ''] = await paste(harden)
    assert.match(administrators, /\badmin\b/)
    await untilRefused(carol)
    assert.equal((await place.login('carol@mail.example')).status, 401)
  },
  'A backup is put back': async ([take = '', putBack = '', again = '']) => {
    await paste(take)
    const old = await place.signIn()
    const blocked = await place.command('accounts', 'block', 'mallory', '--reason', 'a test')
    assert.equal(blocked.code, 0, blocked.errors)
    await place.stop()
    const [told = ''] = await paste(putBack)
    assert.match(told, /decided since the backup, and to be decided again:\n.* account-blocked /)
    await place.start()
    assert.equal((await place.login('mallory')).status, 200)
    const [, , renewed = ''] = await paste(again)
    assert.match(renewed, /a backup was put back/)
    assert.equal((await place.login('mallory')).status, 403)
    await untilRefused(old)
    await assertServed()
  },
  'The clock was wrong': async ([look = '']) => {
    const old = await place.signIn()
    const [ready = ''] = await paste(look)
    assert.match(ready, /"status":"ok"/)
    await untilRefused(old)
    await assertServed()
  },
  'The feed is down': async ([look = '', exchange = '']) => {
    const [ready = '', told = ''] = await paste(look)
    assert.match(ready, /"status":"ok"/)
    assert.equal(told.trim().split('\n').length, 3, told)
    assert.match(told, /^portcullis_feed_streams [1-9]/m)
    const [clients = ''] = await paste(exchange)
    assert.match(clients, /orders-service/)
  },
  'Many accounts were taken over': async ([look = '', end = '', giveBack = '']) => {
    const taken = [await place.signIn('alice')]
    const ids = await idsOf('alice', 'dora@mail.example')
    assert.equal(ids.length, 2)
    writeFileSync(join(place.folder, 'taken-over.txt'), `${ids.join('\n')}\n`)
    const [, sessions = ''] = await paste(look)
    assert.match(sessions, /alice/)
    await paste(end)
    for (const tokens of taken) assert.equal(await place.fateOf(tokens.access_token), 'revoked')
    assert.equal((await place.login('alice')).status, 403)
    await paste(giveBack)
  },
}

test('each runbook says how it shows, what to do, what people notice and when it is over', () => {
  assert.deepEqual(
    runbooks.map(({ title }) => title),
    Object.keys(scenes),
  )
  for (const { title, text: section, blocks } of runbooks) {
    for (const part of ['How it shows', 'What to do', 'What people notice', 'When it is over']) {
      assert.ok(section.includes(`**${part}.**`), `${title}: ${part}`)
    }
    assert.ok(blocks.length > 0, title)
  }
})

test('what runbooks quote of logs and metrics exists', () => {
  const sources = globSync('packages/*/src/**/*.ts', { cwd: root }).map((path) =>
    readFileSync(join(root, path), 'utf8'),
  )
  const metrics = readFileSync(join(root, 'docs/metrics.md'), 'utf8')
  const prose = text.replaceAll(/^```sh\n.*?^```$/gms, '')
  const quoted = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, words = '']) => words)
  const named = quoted.flatMap((words) => words.match(/^portcullis_\w+/g) ?? [])
  const lines = quoted.filter((words) => /^[a-z]+(?:[ :,]+[a-z…]+){3,}$/.test(words))
  assert.ok(named.length > 8 && lines.length > 6, `${named.length} metrics, ${lines.length} lines`)
  for (const name of named) assert.ok(metrics.includes(`\`${name}\``), name)
  for (const line of lines) {
    for (const part of line.split(' … ')) {
      assert.ok(
        sources.some((source) => source.includes(part)),
        part,
      )
    }
  }
})

for (const { title, blocks } of runbooks) {
  test(`the commands of the runbook work as pasted: ${title}`, async () => {
    await (scenes[title] ?? assert.fail(`nothing is known of ${title}`))(blocks)
  })
}

test('what is to be done before an upgrade works as pasted', async () => {
  const blocks = blocksOf(upgrade)
  assert.equal(blocks.length, 1)
  const [taken = '', verified = ''] = await paste(blocks[0] ?? '')
  assert.match(taken, /is in backups\/before-the-upgrade, /)
  assert.match(verified, /chains hold/)
})
