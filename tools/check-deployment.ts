import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { platform, tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { howToGet, installMissing, natsServer, openssl } from './debian-packages.ts'
import { checkCompose } from './deployment/check-compose.ts'
import { checkKubernetes } from './deployment/check-kubernetes.ts'
import { makeImage } from './deployment/image.ts'
import { startPostgres } from './postgres-server.ts'
import { runCommand } from './run-command.ts'

/**
 * Runs what the files in `deploy` say, without a container engine: their commands, with their variables, secrets and
 * settings, as their users, over a tree that the Dockerfile's own lines have made, by the lines of `docs/deployment.md`.
 */
const needs = [natsServer, openssl]
installMissing(needs)
const missing = [
  ...needs.filter(({ find }) => find() === undefined).map(howToGet),
  ...(platform() === 'linux'
    ? []
    : ['containers as processes: only Linux has so many addresses on loopback']),
]
if (missing.length > 0) {
  for (const what of missing) process.stderr.write(`LEFT OUT: ${what}\n`)
  process.exit(process.env['CI'] === 'true' ? 1 : 0)
}

runCommand('npm', ['run', '--silent', 'build'])
const folder = mkdtempSync(join(tmpdir(), 'portcullis-deployment-'))
// The users of the containers get there.
chmodSync(folder, 0o755)
try {
  const images = {
    portcullis: makeImage('portcullis', folder),
    orders: makeImage('orders', folder),
  }
  for (const check of [checkCompose, checkKubernetes]) {
    const postgres = await startPostgres({ isDurable: false })
    assert.ok(postgres !== undefined, 'npm has no PostgreSQL for this machine')
    try {
      await check(images, postgres, folder)
    } finally {
      await postgres.remove()
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}
