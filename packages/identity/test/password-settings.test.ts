import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { Environment } from '@portcullis/runtime'
import { StartError } from '@portcullis/runtime'
import type { IdentitySettings } from '../src/index.ts'
import { describeIdentitySettings, readIdentitySettings } from '../src/index.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import { assertProblem, call, signInHere } from './signed-in.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

const secrets = {
  PORTCULLIS_SEALING_KEY: randomBytes(32).toString('base64'),
  PORTCULLIS_REFRESH_PEPPER: randomBytes(32).toString('base64'),
}

function fileWith(t: TestContext, passwords: object): string {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  const file = join(folder.path, 'identity.json')
  writeFileSync(file, JSON.stringify({ issuer: 'https://id.example', audiences: {}, passwords }))
  return file
}

function read(
  t: TestContext,
  passwords: object,
  environment: Environment = {},
): IdentitySettings['passwords'] {
  const file = fileWith(t, passwords)
  const { settings } = readIdentitySettings({ file, environment: { ...secrets, ...environment } })
  return settings.passwords
}

/** Everything that is wrong, without the headings. */
function mistakesIn(t: TestContext, passwords: object, environment: Environment = {}): string[] {
  try {
    read(t, passwords, environment)
  } catch (error) {
    assert.ok(error instanceof StartError, String(error))
    return error.message.split('\n').filter((line) => line.startsWith('  '))
  }
  return []
}

test('the rules for passwords come from the file and the environment, and are printed', (t) => {
  const passwords = {
    contextWords: ['acme'],
    breached: { baseUrl: 'https://api.pwnedpasswords.com' },
    hashCost: { memoryKib: 65_536 },
  }
  const environment = {
    PORTCULLIS_PASSWORDS_CONTEXT_WORDS: 'acme, umbrella',
    PORTCULLIS_PASSWORDS_HASH_COST_PASSES: '3',
    PORTCULLIS_PASSWORDS_HASHES_RUNNING_MAX: '8',
    PORTCULLIS_PASSWORDS_HASHES_WAITING_MAX: '0',
    UV_THREADPOOL_SIZE: '9',
  }
  assert.deepEqual(read(t, passwords, environment), {
    contextWords: ['acme', 'umbrella'],
    wordFile: undefined,
    breached: { baseUrl: 'https://api.pwnedpasswords.com', timeoutMs: 1000 },
    hashCost: { memoryKib: 65_536, passes: 3, lanes: 1 },
    hashesRunningMax: 8,
    hashesWaitingMax: 0,
  })
  const file = fileWith(t, passwords)
  const { settings } = describeIdentitySettings({ file, environment })
  assert.deepEqual(settings['passwords.hashCost.passes'], {
    value: 3,
    from: 'environment',
    by: 'PORTCULLIS_PASSWORDS_HASH_COST_PASSES',
  })
  assert.deepEqual(settings['passwords.hashCost.memoryKib'], { value: 65_536, from: 'file' })
  assert.deepEqual(settings['passwords.wordFile'], { value: null, from: 'default' })
})

test('every mistake about passwords is said at once, with its place and what would do', (t) => {
  const large = join(createFolder(t), 'large.txt')
  writeFileSync(large, Buffer.alloc(8 * 1024 * 1024 + 1, 'a'))
  const mistakes = mistakesIn(
    t,
    {
      contextWords: ['acme', 'ｉbm'],
      wordFile: `${large}.missing`,
      breached: { baseUrl: 'http://hibp.example', timeoutMs: 10_001 },
      hashCost: { memoryKib: 12_287, passes: 3 },
      hashesWaitingMax: -1,
    },
    { PORTCULLIS_PASSWORDS_HASHES_RUNNING_MAX: '4' },
  )
  const expected = [
    /^ {2}\/passwords\/breached\/timeoutMs must be <= 10000$/,
    /^ {2}\/passwords\/hashesWaitingMax must be >= 0$/,
    /^ {2}\/passwords\/contextWords has a mistake: entry 2 is too short/,
    /^ {2}\/passwords\/wordFile names a file that cannot be read \(ENOENT\)$/,
    /^ {2}\/passwords\/breached\/baseUrl must be an https URL, or http on loopback/,
    /^ {2}\/passwords\/hashCost\/memoryKib .*12287 KiB, 3 passes .* weaker than OWASP's minimum: take at least 19456/,
    /^ {2}PORTCULLIS_PASSWORDS_HASHES_RUNNING_MAX must be less than the 4 threads .* set UV_THREADPOOL_SIZE=5 .* at most 3 run$/,
  ]
  assert.equal(mistakes.length, expected.length, mistakes.join('\n'))
  for (const [index, form] of expected.entries()) assert.match(mistakes[index] ?? '', form)
  assert.match(mistakesIn(t, { wordFile: large })[0] ?? '', /a file that is too large/)
})

test('a cost that somebody lowers is refused where he said so, and one beyond all waiting too', (t) => {
  const [weak] = mistakesIn(t, {}, { PORTCULLIS_PASSWORDS_HASH_COST_PASSES: '1' })
  assert.match(weak ?? '', /^ {2}PORTCULLIS_PASSWORDS_HASH_COST_PASSES .*weaker than OWASP/)
  const [costly] = mistakesIn(t, { hashCost: { memoryKib: 262_144, passes: 5 } })
  assert.match(costly ?? '', /hashCost\/memoryKib .*more than a login can wait for/)
  assert.match(mistakesIn(t, { hashCost: { memoryKib: 7167 } })[0] ?? '', /must be >= 7168/)
})

// What the timer or the URL would refuse at each password, so that none were ever looked up.
test('a breach service that could not be asked, or whose answers others could change, is refused', (t) => {
  for (const baseUrl of ['https://hibp.example', 'http://localhost:8080/hibp', 'https://h.e/v3/']) {
    assert.deepEqual(mistakesIn(t, { breached: { baseUrl } }), [], baseUrl)
  }
  const unfit = ['http://hibp.example', 'hibp.example', 'file:///hibp', 'https://u:p@hibp.example']
  for (const baseUrl of [...unfit, 'https://hibp.example/range', 'https://hibp.example/?q=1']) {
    const [mistake, ...others] = mistakesIn(t, { breached: { baseUrl } })
    assert.match(mistake ?? '', /\/passwords\/breached\/baseUrl must /, baseUrl)
    assert.deepEqual(others, [])
  }
  for (const timeoutMs of [0, -1, 1.5, 10_001]) {
    assert.equal(mistakesIn(t, { breached: { timeoutMs } }).length, 1)
  }
})

test('one thread is left to all else, whatever the environment gives', (t) => {
  const cores = availableParallelism()
  const runningMaxWith = (size: string): number =>
    read(t, {}, { UV_THREADPOOL_SIZE: size }).hashesRunningMax ?? 0
  assert.equal(runningMaxWith('2'), 1)
  assert.equal(runningMaxWith('1'), 1)
  assert.equal(runningMaxWith('nonsense'), 1)
  assert.equal(runningMaxWith('1024'), cores)
  for (const [runningMax, size] of [
    [1, '1'],
    [3, '4'],
    [1023, '5000'],
  ] as const) {
    const mistakes = mistakesIn(t, { hashesRunningMax: runningMax }, { UV_THREADPOOL_SIZE: size })
    assert.deepEqual(mistakes, [])
  }
  assert.equal(mistakesIn(t, { hashesRunningMax: 3 }, { UV_THREADPOOL_SIZE: '3' }).length, 1)
})

test('words and names of the settings are refused where a password is chosen', async (t) => {
  const wordFile = join(createFolder(t), 'words.txt')
  writeFileSync(wordFile, 'correct horse battery staple\n')
  const passwords = { wordFile, contextWords: ['umbrella'] }
  const identity = await startRunningIdentity({ file: { passwords } })
  t.after(identity.close)
  const { access: token } = await signInHere(identity, alice)
  for (const unfit of ['Correct Horse Battery Staple', 'my-UMBRELLA-77']) {
    const body = { current: alice.password, new: unfit }
    assertProblem(await call(identity, 'POST /account/password', { token, body }), 400, 'malformed')
  }
})

function createFolder(t: TestContext): string {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  return folder.path
}
