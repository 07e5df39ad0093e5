import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Environment } from '@portcullis/runtime'
import { StartError } from '@portcullis/runtime'
import { readIdentitySettings, readSealingKeys, readSecrets } from '../src/index.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

const name = 'PORTCULLIS_SEALING_KEY'
const pepperName = 'PORTCULLIS_REFRESH_PEPPER'
const sealingKey = randomBytes(32)
const pepper = { [pepperName]: randomBytes(32).toString('base64') }

test('the sealing key comes from its variable, or from a file with a final line break', (t) => {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  const inVariable = readSecrets({ ...pepper, [name]: sealingKey.toString('base64') })
  assert.deepEqual(inVariable.sealingKey, sealingKey)
  for (const ending of ['', '\n', '\r\n']) {
    const path = join(folder.path, 'sealing.key')
    writeFileSync(path, `${sealingKey.toString('base64url')}${ending}`)
    const inFile = readSecrets({ ...pepper, [`${name}_FILE`]: path })
    assert.deepEqual(inFile.sealingKey, sealingKey)
  }
})

test('the pepper is required too, and the previous one is accepted behind it', () => {
  const environment = { ...pepper, [name]: sealingKey.toString('base64') }
  assert.equal(readSecrets(environment).peppers.length, 1)
  const older = { [`${pepperName}_PREVIOUS`]: randomBytes(32).toString('base64') }
  const { peppers } = readSecrets({ ...environment, ...older })
  assert.equal(peppers.length, 2)
  assert.equal(peppers[0].id, readSecrets(environment).peppers[0].id)
  assert.throws(() => readSecrets({ [name]: sealingKey.toString('base64') }), /PEPPER is not set/)
  assert.throws(
    () => readSecrets({ ...environment, [`${pepperName}_PREVIOUS`]: 'x' }),
    /_PREVIOUS holds/,
  )
})

test('one secret for two purposes is refused: whoever has it would have both', () => {
  const key = randomBytes(32).toString('base64')
  assert.throws(
    () => readSecrets({ [name]: key, [pepperName]: key }),
    /REFRESH_PEPPER must not be PORTCULLIS_SEALING_KEY/,
  )
})

test('the sealing key before is read beside the present one, and must be another', () => {
  const environment: Environment = { ...pepper, [name]: sealingKey.toString('base64') }
  assert.equal(readSecrets(environment).previousSealingKey, undefined)
  const older = randomBytes(32)
  const both = { ...environment, [`${name}_PREVIOUS`]: older.toString('base64') }
  assert.deepEqual(readSecrets(both).previousSealingKey, older)
  for (const twin of [name, pepperName]) {
    const same = { ...environment, [`${twin}_PREVIOUS`]: environment[twin] }
    assert.throws(
      () => readSecrets(same),
      new RegExp(`${twin}_PREVIOUS must not be ${twin}: it is`),
    )
  }
})

test('commands that serve nobody read the sealing keys alone, the one before as well', () => {
  assert.equal(readSealingKeys({ ...pepper }), undefined)
  const older = randomBytes(32)
  const present = { [name]: sealingKey.toString('base64') }
  const both = { ...present, [`${name}_PREVIOUS`]: older.toString('base64') }
  assert.deepEqual(readSealingKeys(both), { sealingKey, previousSealingKey: older })
  assert.equal(readSealingKeys(present)?.previousSealingKey, undefined)
  assert.throws(() => readSealingKeys({ ...present, [`${name}_PREVIOUS`]: 'x' }), /_PREVIOUS holds/)
})

test('files of secrets and of passwords that others can read are found', (t) => {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  const fileOf = (file: string, text: string, mode: number): string => {
    writeFileSync(join(folder.path, file), text, { mode })
    return join(folder.path, file)
  }
  const environment = {
    [`${name}_FILE`]: fileOf('sealing.key', sealingKey.toString('base64'), 0o644),
    [`${pepperName}_FILE`]: fileOf('pepper', pepper[pepperName], 0o600),
    PORTCULLIS_DATABASE_FILE: fileOf('database', 'sqlite:x.db', 0o640),
  }
  const file = fileOf(
    'identity.json',
    JSON.stringify({ issuer: 'https://id.example', audiences: {} }),
    0o644,
  )
  assert.deepEqual(readIdentitySettings({ file, environment }).secrets.exposedFiles, [
    { variable: `${name}_FILE`, mode: '0644' },
    { variable: 'PORTCULLIS_DATABASE_FILE', mode: '0640' },
  ])
})

const refusedEnvironments: readonly (readonly [Environment, RegExp])[] = [
  [{}, /PORTCULLIS_SEALING_KEY is not set/],
  [{ [name]: '' }, /is not base64/],
  [{ [name]: 'change-me!' }, /is not base64/],
  [{ [name]: randomBytes(16).toString('base64') }, /holds 16 bytes instead of 32/],
  [{ [name]: 'A'.repeat(43) }, /is a pattern, not random/],
  [
    { [name]: 'A'.repeat(43), [`${name}_FILE`]: '/dev/null' },
    /SEALING_KEY and PORTCULLIS_SEALING_KEY_FILE are both set/,
  ],
  [{ [`${name}_FILE`]: '/nowhere/sealing.key' }, /_FILE points to \/nowhere\/sealing\.key.*ENOENT/],
]

// CVE-2026-33505: no secret has a default.
test('a sealing key that is missing, short, patterned or given twice is a StartError with a remedy', () => {
  assert.ok(refusedEnvironments.length > 0)
  for (const [environment, message] of refusedEnvironments) {
    assert.throws(
      () => readSecrets({ ...pepper, ...environment }),
      (error) => {
        assert.ok(error instanceof StartError)
        assert.match(error.message, message)
        assert.notEqual(error.remedy, '')
        const text = environment[name]
        assert.ok(!text || !error.message.includes(text), 'the key is repeated')
        return true
      },
    )
  }
})
