import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allOf, startAdministered } from './administering.ts'

const reason = 'a test'

test('what was decided is in the record, with who, when and why, and is found again', async (t) => {
  const { running, administration } = await startAdministered(t)
  const { accounts, audit, clients } = administration
  const [self] = await allOf(accounts.list({ identifier: 'admin' }))
  const { id } = await clients.create({ name: 'one', grants: ['login'], isPublic: true, reason })
  const madeAt = new Date(running.clock.now())
  running.clock.advanceSeconds(60)
  await clients.disable(id, { reason: 'another' })
  const [latest, first, ...others] = await allOf(audit.list({ client: id }))
  assert.deepEqual(others, [])
  assert.deepEqual([latest?.kind, latest?.reason], ['client-disabled', 'another'])
  assert.deepEqual(
    [first?.kind, first?.term, first?.client, first?.actor, first?.reason, first?.at],
    ['client-created', 'user_created', id, self?.id, reason, madeAt],
  )
  assert.ok(first?.chain !== undefined && first.seq !== undefined && !first.isAdopted)
  assert.deepEqual(await allOf(audit.list({ kind: 'client-disabled' })), [latest])
  const both = { actor: self?.id ?? '', client: id }
  assert.deepEqual(await allOf(audit.list({ ...both, to: latest?.at ?? madeAt })), [first])
  assert.deepEqual(await allOf(audit.list({ ...both, from: latest?.at ?? madeAt })), [latest])
  const page = await audit.page(both, { limit: 1 })
  assert.deepEqual(page.items, [latest])
  const next = await audit.page(both, { limit: 1, after: page.next ?? '' })
  assert.deepEqual(next.items, [first])
})

test('the record is verified, and an anchor that is not in it is named', async (t) => {
  const { administration } = await startAdministered(t)
  const { audit, clients } = administration
  await clients.create({ name: 'one', grants: ['login'], isPublic: true, reason })
  const verdict = await audit.verify()
  assert.ok(verdict.chains >= 1 && verdict.records >= 1)
  assert.equal(verdict.firstBad, undefined)
  const chain = 'A'.repeat(22)
  const { firstBad } = await audit.verify([`${chain}:7:${'A'.repeat(43)}`])
  assert.deepEqual(firstBad, { what: 'anchor', chain, seq: 7 })
})

test('a filter, a page or an anchor that does not fit is refused', async (t) => {
  const { administration } = await startAdministered(t)
  const { audit } = administration
  const malformed = { code: 'refused', status: 400, reason: 'malformed' }
  await assert.rejects(audit.page({ kind: 'nothing' }), malformed)
  await assert.rejects(audit.page({}, { limit: 501 }), malformed)
  await assert.rejects(audit.verify(['not an anchor']), malformed)
  const unknown = { actor: 'command-line', kid: 'x' }
  await assert.rejects(audit.page(unknown), /unknown member "kid"/)
  await assert.rejects(allOf(audit.list(unknown)), /unknown member "kid"/)
})
