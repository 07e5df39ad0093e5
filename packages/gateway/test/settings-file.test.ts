import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { StartError } from '@portcullis/runtime'
import { readGatewayFile } from '../src/index.ts'

const smallest = {
  listen: { port: 4003 },
  issuer: 'https://id.example',
  routes: [{ match: '/*', to: ['http://127.0.0.1:4001'], auth: { mode: 'none' } }],
}

test('a file that is missing, broken or mistaken is a StartError that names it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-'))
  t.after(() => rmSync(folder, { recursive: true, maxRetries: 5 }))
  const path = join(folder, 'portcullis.gateway.json')
  assert.throws(() => readGatewayFile(path), names(path))
  writeFileSync(path, '{')
  assert.throws(() => readGatewayFile(path), names(path))
  writeFileSync(path, '{}')
  assert.throws(() => readGatewayFile(path), names(path))
  writeFileSync(path, JSON.stringify(smallest))
  assert.equal(readGatewayFile(path).listen.port, 4003)
})

function names(path: string): (error: unknown) => boolean {
  return (error) => error instanceof StartError && error.message.includes(path)
}

/** The first words of each line of the error: where the mistakes are. */
