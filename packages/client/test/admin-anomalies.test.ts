import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Anomaly } from '@portcullis/client/admin'
import { allOf, startAdministered } from './administering.ts'
import type { RunningIssuer } from './running-issuer.ts'
import { alice } from './running-issuer.ts'

/** Somebody else sends an old refresh token of hers. */
async function steal({ issuer, clock }: RunningIssuer): Promise<void> {
  const login = await fetch(`${issuer}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(alice),
  })
  const refresh = async (token: string): Promise<Response> => {
    clock.advanceSeconds(31)
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token })
    return fetch(`${issuer}/token`, { method: 'POST', body })
  }
  const first = await refreshTokenIn(login)
  const second = await refreshTokenIn(await refresh(first))
  await refreshTokenIn(await refresh(second))
  assert.equal((await refresh(first)).status, 400)
}

async function refreshTokenIn(response: Response): Promise<string> {
  assert.equal(response.status, 200)
  const { refresh_token: token } = (await response.json()) as { readonly refresh_token: string }
  return token
}

test('an anomaly is read by its id, with what led to it and what was done about it since', async (t) => {
  const { running, administration } = await startAdministered(t)
  const { accounts, anomalies } = administration
  await steal(running)
  let found: Anomaly | undefined
  const deadline = performance.now() + 10_000
  while (found === undefined) {
    assert.ok(performance.now() < deadline, 'the theft is not found')
    await new Promise((resolve) => setTimeout(resolve, 50))
    ;[found] = await allOf(anomalies.list({ rule: 'refresh-reuse' }))
  }
  assert.deepEqual(found.decisions, [])
  running.clock.advanceSeconds(1)
  await accounts.block(found.subject, { reason: 'a theft' })
  const { records, ...others } = await anomalies.get(found.id)
  assert.deepEqual(
    records.map(({ kind, account, chain, seq }) => [kind, account, `${chain}:${seq}`]),
    [['refresh-reuse', found.subject, found.evidence.records[0]]],
  )
  const { decisions } = others
  assert.deepEqual(
    decisions.map(({ kind, reason, at }) => [kind, reason, at]),
    [['account-blocked', 'a theft', new Date(running.clock.now())]],
  )
  assert.deepEqual(others, { ...found, decisions })

  const unknown = { code: 'refused', status: 404, reason: 'not-found' }
  await assert.rejects(anomalies.get('999'), unknown)
  await assert.rejects(anomalies.get('..'), TypeError)
})
