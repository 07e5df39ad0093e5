import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { argon2Sync, pbkdf2Sync, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { postJson, removeFolder, runPortcullis, startSystem } from './running-system.ts'

const page = fileURLToPath(new URL('../docs/migration.md', import.meta.url))

/** As Keycloak exports them, by `org.keycloak.models.credential`. */
interface ExportedPassword {
  readonly type: 'password'
  readonly credentialData: string
  readonly secretData: string
}

test('accounts of a realm of Keycloak sign in with the passwords that they had', async () => {
  const system = await startSystem()
  try {
    const inFolder = (name: string): string => join(system.folder, name)
    writeFileSync(inFolder('accounts-from-keycloak.ts'), programOfPage())
    const users = [
      { username: 'old', credentials: [pbkdf2('sha256', 27_500, 'the old one of old')] },
      { username: 'middle', credentials: [pbkdf2('sha512', 2_100, 'the old one of middle')] },
      {
        username: 'young',
        email: 'young@mail.example',
        emailVerified: true,
        realmRoles: ['customer', 'offline_access'],
        credentials: [argon2('the old one of young')],
      },
      { username: 'gone', enabled: false, credentials: [argon2('the old one of gone')] },
      { username: 'federated', credentials: [] },
    ]
    writeFileSync(inFolder('realm-export.json'), JSON.stringify({ realm: 'shop', users }))
    const program = ['accounts-from-keycloak.ts', 'realm-export.json', 'customer']
    const lines = execFileSync(process.execPath, program, {
      cwd: system.folder,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    writeFileSync(inFolder('accounts.jsonl'), lines)
    const { folder } = system
    const run = runPortcullis(['accounts', 'import', 'accounts.jsonl', '--json'], { folder })
    assert.equal(await run.ended, 0, run.errors())
    assert.equal((JSON.parse(run.output()) as { imported: number }).imported, 4)

    const statusOf = async (identifier: string, password: string): Promise<number> =>
      (await postJson(`${system.endpoints.identity}/login`, { identifier, password })).status
    for (const name of ['old', 'middle', 'young']) {
      assert.equal(await statusOf(name, 'something else'), 401, name)
      assert.equal(await statusOf(name, `the old one of ${name}`), 200, name)
    }
    assert.equal(await statusOf('gone', 'the old one of gone'), 403)
    assert.equal(await statusOf('federated', ''), 400)
    const list = runPortcullis(['accounts', 'list', '--identifier', 'young', '--json'], { folder })
    assert.equal(await list.ended, 0, list.errors())
    assert.match(list.output(), /"roles":\["customer"\]/)
  } finally {
    assert.equal(await system.stop(), 0)
    removeFolder(system.folder)
  }
})

function programOfPage(): string {
  const blocks = [...readFileSync(page, 'utf8').matchAll(/```ts\n(.*?)```/gs)]
  const program = blocks.map(([, text = '']) => text).find((text) => text.includes('realmRoles'))
  assert.ok(program !== undefined)
  return program
}

function exported(data: object, salt: Buffer, hash: Buffer): ExportedPassword {
  const secret = { value: hash.toString('base64'), salt: salt.toString('base64') }
  return {
    type: 'password',
    credentialData: JSON.stringify(data),
    secretData: JSON.stringify({ ...secret, additionalParameters: {} }),
  }
}

function pbkdf2(digest: string, hashIterations: number, password: string): ExportedPassword {
  const salt = randomBytes(16)
  const hash = pbkdf2Sync(password, salt, hashIterations, 64, digest)
  return exported({ hashIterations, algorithm: `pbkdf2-${digest}` }, salt, hash)
}

function argon2(password: string): ExportedPassword {
  const salt = randomBytes(16)
  const cost = { memory: 7168, passes: 5, parallelism: 1, tagLength: 32 }
  const hash = argon2Sync('argon2id', { ...cost, message: password, nonce: salt })
  const parameters = { hashLength: ['32'], memory: ['7168'], type: ['id'], version: ['1.3'] }
  const additionalParameters = { ...parameters, parallelism: ['1'] }
  return exported({ hashIterations: 5, algorithm: 'argon2', additionalParameters }, salt, hash)
}
