import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { StartError } from '@portcullis/runtime'
import { placeForClient } from '../src/client-file.ts'
import { CommandError } from '../src/command-error.ts'
import { writePrivateFile } from '../src/private-file.ts'
import { runCreate, runRotateSecret } from '../src/remote/clients.ts'

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-place-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

const client = { client_id: 'c', client_secret: 'not-to-be-lost', scope: 'orders:read' }

test('nothing is asked of identity where the secret could not be written', async (t) => {
  let asked = 0
  const server = createServer(({ method }, response) => {
    if (method === 'POST') asked += 1
    response.writeHead(404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const folder = newFolder(t)
  const credentials = join(folder, 'credentials.json')
  const admin = { identifier: 'admin', password: 'a long password', roles: ['identity-admin'] }
  writeFileSync(credentials, JSON.stringify({ accounts: [admin], clients: [] }))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  // Not below a file.
  const options = { issuer, credentials, writeTo: join(credentials, 'till.json') }
  await assert.rejects(runRotateSecret('till', { ...options, reason: 'a test' }), StartError)
  await assert.rejects(runCreate('till', { ...options, scope: 'orders:read' }), StartError)
  assert.equal(asked, 0)

  // Refused: nothing is left of what was made ready.
  const writeTo = join(folder, 'till.json')
  await assert.rejects(
    runRotateSecret('till', { ...options, writeTo, reason: 'a test' }),
    CommandError,
  )
  assert.equal(asked, 1)
  assert.deepEqual(readdirSync(folder), ['credentials.json'])
})

test('a place is ready before there is a secret, and holds it alone and privately then', (t) => {
  const folder = newFolder(t)
  const path = join(folder, 'below', 'till.json')
  const place = placeForClient(path)
  assert.deepEqual(readdirSync(folder), ['below'])
  place.keep(client)
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), client)
  assert.match(readFileSync(path, 'utf8'), /\}\n$/)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(join(folder, 'below')), ['till.json'])
  assert.throws(() => placeForClient(path), CommandError)
})

test('a secret that cannot be kept all the same is said to be nowhere, and how to get another', (t) => {
  const folder = newFolder(t)
  const path = join(folder, 'till.json')
  const place = placeForClient(path)
  mkdirSync(path)
  assert.throws(
    () => place.keep(client),
    ({ message, remedy }: CommandError) => {
      assert.match(
        message,
        /^the client has its secret, which could not be written to a file and is nowhere: /,
      )
      assert.match(remedy, /clients rotate-secret/)
      return !`${message}${remedy}`.includes(client.client_secret)
    },
  )
  assert.deepEqual(readdirSync(folder), ['till.json'])
})

test('nothing stays of a private file that cannot be written', (t) => {
  const folder = newFolder(t)
  mkdirSync(join(folder, 'till.json'))
  assert.throws(() => writePrivateFile(join(folder, 'till.json'), 'x'), StartError)
  assert.deepEqual(readdirSync(folder), ['till.json'])
})
