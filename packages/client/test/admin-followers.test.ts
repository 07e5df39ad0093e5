import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allOf, startAdministered } from './administering.ts'
import { alice } from './running-issuer.ts'
import { clientOf } from './signing-in.ts'

const follower = 'F'.repeat(22)

test('followers are listed, and receipts tell what each has done about a revocation', async (t) => {
  const { running, administration } = await startAdministered(t)
  const { followers, sessions } = administration
  assert.deepEqual(await allOf(followers.list()), [])
  const report = async (position: string): Promise<void> => {
    const answer = await fetch(`${running.issuer}/revocations/positions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ follower, position, max_staleness_seconds: 30 }),
    })
    assert.equal(answer.status, 200, await answer.text())
  }
  await report(`${'A'.repeat(22)}:0`)
  const [listed] = await allOf(followers.list())
  const at = new Date(running.clock.now())
  assert.deepEqual(listed, {
    follower,
    position: `${'A'.repeat(22)}:0`,
    appliedAt: at,
    reportedAt: at,
    maxStalenessSeconds: 30,
  })

  await clientOf(running).login(alice)
  const session = (await allOf(sessions.list())).find(
    ({ account }) => account.identifier === alice.identifier,
  )
  assert.ok(session !== undefined)
  const position = await sessions.end(session.id, { reason: 'a test' })
  const waiting = await followers.receipts(position)
  assert.deepEqual(waiting, {
    committedAt: at,
    isEverywhere: false,
    applied: 0,
    unknown: 1,
    refusing: 0,
    followers: [{ follower, state: 'unknown', until: new Date(at.getTime() + 35_000) }],
  })
  await report(`${position.epoch}:${position.seq}`)
  const told = await followers.receipts(position, { waitSeconds: 5 })
  assert.equal(told.isEverywhere, true)
  assert.equal(told.slowestMs, 0)
  assert.deepEqual(told.followers, [{ follower, state: 'applied', afterMs: 0 }])
  const ahead = { ...position, seq: position.seq + 1 }
  await assert.rejects(followers.receipts(ahead), { code: 'refused', status: 404 })
  // @ts-expect-error: an option that is not known is a mistake.
  await assert.rejects(followers.receipts(position, { wait: 1 }), TypeError)
  for (const waitSeconds of [-1, 0.5, 61, NaN]) {
    await assert.rejects(followers.receipts(position, { waitSeconds }), TypeError)
  }
})
