import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allOf, startAdministered } from './administering.ts'
import { alice } from './running-issuer.ts'
import { clientOf } from './signing-in.ts'

const follower = 'F'.repeat(22)
const own = { software: 'verify', version: '0.1.0', checkpoint_ms_ago: 250 }
const { software, version } = own

test('followers are listed, and receipts tell what each has done about a revocation', async (t) => {
  const { running, administration } = await startAdministered(t)
  const { followers, sessions } = administration
  assert.deepEqual(await allOf(followers.list()), [])
  const report = async (position: string): Promise<void> => {
    const answer = await fetch(`${running.issuer}/revocations/positions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ follower, position, max_staleness_seconds: 30, ...own }),
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
    software,
    version,
    checkpointAt: new Date(at.getTime() - 250),
  })

  await clientOf(running).login(alice)
  const session = (await allOf(sessions.list())).find(
    ({ account }) => account.identifier === alice.identifier,
  )
  assert.ok(session !== undefined)
  const position = await sessions.end(session.id, { reason: 'a test' })
  const { latencies, ...waiting } = await followers.receipts(position)
  assert.deepEqual(latencies.at(0), { upToMs: 5, followers: 0 })
  assert.deepEqual(latencies.at(-1), { followers: 0 })
  assert.deepEqual(waiting, {
    committedAt: at,
    isEverywhere: false,
    applied: 0,
    unknown: 1,
    refusing: 0,
    followers: [
      {
        follower,
        software,
        version,
        state: 'unknown',
        until: new Date(at.getTime() + 35_000),
        reportedAt: at,
      },
    ],
  })
  await report(`${position.epoch}:${position.seq}`)
  const told = await followers.receipts(position, { waitSeconds: 5 })
  assert.equal(told.isEverywhere, true)
  assert.deepEqual([told.slowestMs, told.p50Ms, told.p99Ms], [0, 0, 0])
  assert.deepEqual(told.latencies[0], { upToMs: 5, followers: 1 })
  const applied = { follower, software, version, state: 'applied', afterMs: 0 }
  assert.deepEqual(told.followers, [applied])
  const ahead = { ...position, seq: position.seq + 1 }
  await assert.rejects(followers.receipts(ahead), { code: 'refused', status: 404 })
  // @ts-expect-error: an option that is not known is a mistake.
  await assert.rejects(followers.receipts(position, { wait: 1 }), TypeError)
  for (const waitSeconds of [-1, 0.5, 61, NaN]) {
    await assert.rejects(followers.receipts(position, { waitSeconds }), TypeError)
  }
})

test('what was taken back is listed with who did it and why', async (t) => {
  const { running, administration } = await startAdministered(t)
  const { revocations, sessions } = administration
  await clientOf(running).login(alice)
  const session = (await allOf(sessions.list())).find(
    ({ account }) => account.identifier === alice.identifier,
  )
  assert.ok(session !== undefined)
  const position = await sessions.end(session.id, { reason: 'a test' })
  const at = new Date(running.clock.now())
  const [record, ...others] = await allOf(revocations.list())
  assert.deepEqual(others, [])
  assert.ok(record?.until !== undefined && record.until > at)
  const { until: _until, ...known } = record
  assert.deepEqual(known, {
    position,
    kind: 'session',
    subject: session.id,
    account: session.account.id,
    cause: 'session-ended',
    actor: known.actor,
    reason: 'a test',
    committedAt: at,
  })
  const page = await revocations.page({ limit: 1, after: String(position.seq) })
  assert.deepEqual(page, { items: [] })
  assert.deepEqual(await revocations.get(position), record)
  const gone = { epoch: 'B'.repeat(22), seq: 1 }
  await assert.rejects(revocations.get(gone), { code: 'refused', reason: 'position-gone' })
})
