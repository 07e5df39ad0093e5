import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '../tools/free-port.ts'
import { bearer, newFolder, removeFolder, startSystem } from './running-system.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The ten lines of the README, for another issuer and another port. */
function tenLines(issuer: string, port: number): string {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const [, block = ''] = /```ts\n(.*?)```/s.exec(readme) ?? []
  assert.ok(block.split('\n').filter((line) => line !== '').length <= 10)
  assert.match(block, /http:\/\/localhost:4000/)
  return block.replace('http://localhost:4000', issuer).replace('4100', String(port))
}

function inFolder(folder: string, command: string, ...parameters: readonly string[]): void {
  execFileSync(command, parameters, { cwd: folder, stdio: 'pipe' })
}

async function statusOf(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  for (let tries = 0; tries < 200; tries += 1) {
    const status = await fetch(url, { headers }).then(
      (response) => response.status,
      () => undefined,
    )
    if (status !== undefined) return status
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${url} never answered`)
}

// It builds and installs packages.
const patience = { timeout: 240_000 }

test('the ten lines of the README protect a service outside the checkout', patience, async () => {
  const folder = newFolder()
  const packages = ['--workspace', '@portcullis/protocol', '--workspace', '@portcullis/verify']
  inFolder(root, 'npm', 'run', '--silent', 'build')
  inFolder(root, 'npm', 'pack', '--silent', ...packages, '--pack-destination', folder)
  const tarballs = globSync('*.tgz', { cwd: folder }).map((name) => `./${name}`)
  assert.equal(tarballs.length, 2)
  inFolder(folder, 'npm', 'install', '--silent', ...tarballs, 'fastify')

  const system = await startSystem()
  const port = await freePort()
  writeFileSync(join(folder, 'mine.mjs'), tenLines(system.endpoints.identity, port))
  const service = spawn(process.execPath, ['mine.mjs'], { cwd: folder, stdio: 'ignore' })
  try {
    const url = `http://localhost:${port}/mine`
    assert.equal(await statusOf(url, {}), 401)
    assert.equal(await statusOf(url, bearer(await system.signIn('alice'))), 200)
    assert.equal(await statusOf(url, bearer('nonsense')), 401)
  } finally {
    service.kill('SIGKILL')
    assert.equal(await system.stop(), 0)
    removeFolder(system.folder)
    removeFolder(folder)
  }
})
