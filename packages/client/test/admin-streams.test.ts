import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allOf, startAdministered } from './administering.ts'

test('webhooks are made, listed, looked at and ended', async (t) => {
  const { running, administration } = await startAdministered(t)
  const { streams } = administration
  assert.deepEqual(await allOf(streams.list()), [])
  const webhook = { endpointUrl: 'https://hook.example/', events: ['session-revoked'] }
  const made = await streams.create({
    ...webhook,
    authorizationHeader: 'Bearer hidden',
    audience: 'the hook',
    description: 'a test',
    format: 'iss_sub',
    reason: 'a test',
  })
  const { id, ...members } = made
  assert.deepEqual(members, {
    ...webhook,
    audience: 'the hook',
    description: 'a test',
    delivery: 'push',
    format: 'iss_sub',
    status: 'enabled',
    createdAt: new Date(running.clock.now()),
    failures: 0,
    dropped: 0,
    undelivered: 0,
  })
  assert.deepEqual(await allOf(streams.list()), [made])
  assert.deepEqual(await streams.read(id), { stream: made, undelivered: [] })
  assert.equal(await streams.redeliver(id, { reason: 'a test' }), 0)
  await streams.delete(id, { reason: 'a test' })
  assert.deepEqual(await allOf(streams.list()), [])
  await assert.rejects(streams.read(id), { status: 404 })
  const mistyped = { ...webhook, event: 'x' }
  await assert.rejects(streams.create(mistyped), TypeError)
  await assert.rejects(streams.create({ ...webhook, endpointUrl: 'http://hook.example/' }), {
    status: 400,
  })
})
