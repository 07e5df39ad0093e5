import assert from 'node:assert/strict'
import { chmod, chown, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import type { VerifierWarning } from '@portcullis/verify'
import { createKeySetFile } from '../src/issuer/key-set-file.ts'
import { createStateFile } from '../src/revocation/state-file.ts'
import { processTimers } from '../src/timers.ts'

const issuer = 'https://id.example'
const now = Date.now

/** Reads what stands there as each of the two files, and answers what the operator is told. */
async function toldOf(path: string): Promise<readonly string[]> {
  const warnings: VerifierWarning[] = []
  const warn = (warning: VerifierWarning): void => void warnings.push(warning)
  const state = createStateFile({
    path,
    issuer,
    wall: now,
    warn,
    timers: processTimers,
  })
  assert.equal(await state.read(), undefined)
  assert.equal(createKeySetFile({ path, issuer, now, warn }).read(), undefined)
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['PORTCULLIS_STATE_FILE', 'PORTCULLIS_KEY_SET_FILE'],
  )
  return warnings.map(({ message }) => message.slice(message.indexOf(path) + path.length + 1))
}

const kept = (path: string): Promise<void> => writeFile(path, '{}\n', { mode: 0o600 })

const causes: readonly (readonly [what: string, make: (path: string) => Promise<void>])[] = [
  ['it is no file', (path) => mkdir(path, { mode: 0o700 }).then(() => undefined)],
  [
    'others than its owner may write it',
    async (path) => {
      await kept(path)
      await chmod(path, 0o602)
    },
  ],
  [
    'it is too long',
    async (path) => {
      await kept(path)
      await truncate(path, 128 * 1024 * 1024 + 1)
    },
  ],
]
for (const [what, make] of causes) {
  test(`of a kept file that is not used the operator is told the one reason: ${what}`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-files-'))
    t.after(() => rm(folder, { recursive: true, maxRetries: 5 }))
    const path = join(folder, 'kept')
    await make(path)
    const reason = `is not used: ${what}`
    assert.deepEqual(await toldOf(path), [reason, reason])
  })
}

test(
  'of a kept file that is not used the operator is told the one reason: another user owns it',
  { skip: process.getuid?.() !== 0 && 'only root may give a file to somebody' },
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-files-'))
    t.after(() => rm(folder, { recursive: true, maxRetries: 5 }))
    const path = join(folder, 'kept')
    await kept(path)
    await chown(path, 65_534, 65_534)
    const reason = 'is not used: another user owns it'
    assert.deepEqual(await toldOf(path), [reason, reason])
  },
)
