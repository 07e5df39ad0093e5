import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Variables } from './running-system.ts'
import { newFolder, removeFolder, runPortcullis, startSystem } from './running-system.ts'

let folder: string

before(() => {
  folder = newFolder()
})

after(() => removeFolder(folder))

async function printConfig(
  file: object,
  variables: Variables = {},
): Promise<{ readonly code: unknown; readonly output: string; readonly errors: string }> {
  const path = join(folder, 'identity.json')
  writeFileSync(path, JSON.stringify(file))
  const parameters = ['identity', '--config', path, '--print-config']
  const run = runPortcullis(parameters, { folder, variables })
  return { code: await run.ended, output: run.output(), errors: run.errors() }
}

test('the settings in force are printed with their sources, and nothing is started', async () => {
  const database = `sqlite:${join(folder, 'identity.db')}`
  const { code, output, errors } = await printConfig(
    { issuer: 'https://id.example', audiences: {}, listen: { port: 0 }, database },
    {
      PORTCULLIS_KEY_ROTATION_DAYS: '7',
      PORTCULLIS_DATABASE: 'postgres://user:hunter2@db.example/identity',
      PORTCULLIS_SEALING_KEY: 'hunter2',
    },
  )
  assert.equal(code, 0, errors)
  const printed = JSON.parse(output) as {
    readonly settings: Readonly<Record<string, object>>
    readonly secrets: object
  }
  assert.deepEqual(printed.settings['listen.port'], { value: 0, from: 'file' })
  assert.deepEqual(printed.settings['database'], {
    value: 'postgres://user:redacted@db.example/identity',
    from: 'environment',
    by: 'PORTCULLIS_DATABASE',
  })
  assert.deepEqual(printed.settings['keyRotationDays'], {
    value: 7,
    from: 'environment',
    by: 'PORTCULLIS_KEY_ROTATION_DAYS',
  })
  assert.deepEqual(printed.secrets, {
    PORTCULLIS_SEALING_KEY: 'set',
    PORTCULLIS_SEALING_KEY_PREVIOUS: 'not set',
    PORTCULLIS_HS256_SECRET: 'not set',
    PORTCULLIS_HS256_SECRET_PREVIOUS: 'not set',
    PORTCULLIS_REFRESH_PEPPER: 'not set',
    PORTCULLIS_REFRESH_PEPPER_PREVIOUS: 'not set',
  })
  assert.ok(!output.includes('hunter2'))
  assert.equal(existsSync(join(folder, 'identity.db')), false)
})

test('settings that are mistaken are explained instead', async () => {
  const { code, output, errors } = await printConfig(
    { issuer: 'https://id.example', audiences: {}, keyRotationDays: 0 },
    { PORTCULLIS_LISTEN_HOST: '0.0.0.0' },
  )
  assert.equal(code, 1)
  assert.equal(output, '')
  assert.match(errors, /keyRotationDays must be >= 1[^]*LISTEN_HOST is not on loopback/)
})

test('a development system has its own settings, whatever the environment has for another one', async () => {
  const home = newFolder()
  const system = await startSystem(home, [], 0, {
    PORTCULLIS_LISTEN_HOST: '0.0.0.0',
    PORTCULLIS_ISSUER: 'https://id.example',
    PORTCULLIS_DATABASE: 'sqlite:elsewhere.db',
    PORTCULLIS_SEALING_KEY: 'of another system',
  })
  assert.ok(await system.signIn('alice'))
  assert.equal(await system.stop(), 0)
  assert.equal(existsSync(join(home, 'elsewhere.db')), false)
  removeFolder(home)
})
