import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import type { Administration, NewClient } from '@portcullis/client/admin'
import { allOf, startAdministered } from './administering.ts'

const reason = 'a test'
const nobody = 'A'.repeat(22)
const billing: NewClient = {
  name: 'billing',
  grants: ['client_credentials'],
  audiences: ['orders'],
  scopes: ['orders:read'],
  description: 'invoices',
  reason,
}

async function mayAuthenticate(issuer: string, id: string, secret = ''): Promise<boolean> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: id,
    client_secret: secret,
  })
  const { status } = await fetch(`${issuer}/token`, { method: 'POST', body })
  assert.ok(status === 200 || status === 401, String(status))
  return status === 200
}

test('a client is made with a secret, read, changed and deleted by typed calls', async (t) => {
  const { running, administration } = await startAdministered(t)
  const { clients } = administration
  const { id, name, secret } = await clients.create(billing)
  assert.equal(name, 'billing')
  assert.ok(await mayAuthenticate(running.issuer, id, secret))
  const made = {
    id,
    name,
    description: 'invoices',
    origin: 'store',
    isEnabled: true,
    isPublic: false,
    authentication: 'client_secret',
    grants: ['client_credentials'],
    audiences: ['orders'],
    scopes: ['orders:read'],
    createdAt: new Date(running.clock.now()),
    secretMadeAt: new Date(running.clock.now()),
  }
  assert.deepEqual(await clients.get(id), made)
  const { revocation, ...changed } = await clients.change(id, {
    grants: ['client_credentials', 'token_exchange'],
    description: null,
    reason,
  })
  const { description, ...others } = made
  assert.ok(description)
  assert.deepEqual(changed, { ...others, grants: ['client_credentials', 'token_exchange'] })
  assert.equal(revocation, undefined, 'it may do more, and nothing is taken back')
  assert.equal((await clients.delete(id, { reason })).seq, 1)
  await assert.rejects(clients.get(id), { code: 'refused', status: 404, reason: 'not-found' })
  assert.ok(!(await mayAuthenticate(running.issuer, id, secret)))
})

test('clients that are public or have keys are made without a secret', async (t) => {
  const { administration } = await startAdministered(t)
  const { clients } = administration
  const { publicKey } = generateKeyPairSync('ed25519')
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'EdDSA' }] }
  const app = await clients.create({ name: 'app', grants: ['login'], isPublic: true, reason })
  const signer = await clients.create({ ...billing, name: 'signer', jwks })
  assert.deepEqual([app.secret, signer.secret], [undefined, undefined])
  assert.equal((await clients.get(app.id)).authentication, 'none')
  const { authentication, jwks: kept } = await clients.get(signer.id)
  assert.equal(authentication, 'private_key_jwt')
  assert.ok(Array.isArray(kept?.['keys']) && kept['keys'].length === 1)
  for (const id of [app.id, signer.id]) {
    await assert.rejects(clients.rotateSecret(id, { reason }), {
      code: 'refused',
      status: 400,
      reason: 'unknown-client',
    })
  }
})

test('a list of clients goes from page to page, and has those of the file', async (t) => {
  const { administration } = await startAdministered(t)
  const { clients } = administration
  for (const name of ['one', 'two']) await clients.create({ ...billing, name })
  const listed = await allOf(clients.list())
  assert.deepEqual(
    listed.map(({ name, origin }) => [name, origin]),
    [
      ['one', 'store'],
      ['portcullis-pages', 'file'],
      ['two', 'store'],
      ['web', 'file'],
    ],
  )
  const first = await clients.page({ limit: 1 })
  const second = await clients.page({ limit: 1, after: first.next ?? '' })
  assert.deepEqual([...first.items, ...second.items], listed.slice(0, 2))
  await assert.rejects(clients.page({ limit: 201 }), { status: 400, reason: 'malformed' })
})

test('a secret is rotated with and without an overlap', async (t) => {
  const { running, administration } = await startAdministered(t)
  const { clients } = administration
  const { id, secret: first } = await clients.create(billing)
  const second = await clients.rotateSecret(id, { overlapSeconds: 60, reason })
  assert.equal(second.id, id)
  assert.deepEqual(second.formerSecretUntil, new Date(running.clock.now() + 60_000))
  assert.deepEqual((await clients.get(id)).formerSecretUntil, second.formerSecretUntil)
  for (const secret of [first, second.secret]) {
    assert.ok(await mayAuthenticate(running.issuer, id, secret))
  }
  await assert.rejects(clients.rotateSecret(id, { reason }), {
    code: 'refused',
    status: 409,
    reason: 'too-early',
  })
  const third = await clients.rotateSecret(id, { overlapSeconds: 0, reason })
  assert.equal(third.formerSecretUntil, undefined)
  assert.equal(second.revocation, undefined)
  assert.equal(third.revocation?.seq, 1)
  assert.ok(!(await mayAuthenticate(running.issuer, id, second.secret)))
  assert.ok(await mayAuthenticate(running.issuer, id, third.secret))
})

test('a client is stopped and let go on, and its tokens are taken back', async (t) => {
  const { running, administration } = await startAdministered(t)
  const { clients } = administration
  const { id, secret } = await clients.create(billing)
  assert.equal((await clients.revokeTokens(id, { reason })).seq, 1)
  assert.equal((await clients.disable(id, { reason })).seq, 2)
  assert.ok(!(await clients.get(id)).isEnabled)
  assert.ok(!(await mayAuthenticate(running.issuer, id, secret)))
  await clients.enable(id, { reason })
  assert.ok(await mayAuthenticate(running.issuer, id, secret))
  const web = (await allOf(clients.list())).find(({ origin }) => origin === 'file')
  assert.ok(web !== undefined)
  assert.equal((await clients.revokeTokens(web.id, { reason })).seq, 3)
})

test('what does not fit is refused, and by whom it is told', async (t) => {
  const { administration } = await startAdministered(t)
  const { clients } = administration
  const { id } = await clients.create(billing)
  await assert.rejects(clients.create(billing), { status: 409, reason: 'identifier-taken' })
  const wide = clients.create({ ...billing, name: 'wide', scopes: ['orders:delete'] })
  await assert.rejects(wide, { code: 'refused', status: 400 })
  await assert.rejects(clients.change(id, { grants: ['password'], reason }), {
    status: 400,
    reason: 'malformed',
  })
  const web = (await allOf(clients.list())).find(({ origin }) => origin === 'file')
  const ofFile = { status: 400, reason: 'unknown-client' }
  await assert.rejects(clients.change(web?.id ?? '', { scopes: [], reason }), ofFile)
  for (const decide of decisionsOf(clients)) {
    await assert.rejects(decide(nobody, { reason }), { status: 404, reason: 'not-found' })
    await assert.rejects(decide(id, { reason: '' }), /"reason" must be a text/)
    await assert.rejects(decide('', { reason }), /the id must be a text/)
  }
  await assert.rejects(clients.rotateSecret(nobody, { reason }), { status: 404 })
  await assert.rejects(clients.change(nobody, { reason, scopes: [] }), { status: 404 })
  // A slip of the pen is told here, and nothing is sent.
  const secret = { ...billing, secret: 'x' }
  await assert.rejects(clients.create(secret), /unknown member "secret"/)
  const publicly = { reason, isPublic: true }
  await assert.rejects(clients.change(id, publicly), /unknown member "isPublic"/)
  const overlap = { reason, overlap_seconds: 0 }
  await assert.rejects(clients.rotateSecret(id, overlap), /unknown member "overlap_seconds"/)
})

type Decision = Parameters<Administration['clients']['disable']>

function decisionsOf({
  revokeTokens,
  disable,
  enable,
  ...others
}: Administration['clients']): readonly ((...call: Decision) => Promise<unknown>)[] {
  return [revokeTokens, disable, enable, others.delete]
}
