import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createIssuerClock } from '../src/issuer/issuer-clock.ts'

const nowMs = Date.UTC(2026, 5, 1, 12)

test('only an answer of the issuer itself tells how far its clock is ahead', async () => {
  let headers: Readonly<Record<string, string>> = {}
  const clock = createIssuerClock(() => nowMs)
  const fetch = clock.watch(async () => new Response(null, { headers }))
  const lagAfter = async (dateMs: number, age?: string): Promise<string | undefined> => {
    headers = { date: new Date(dateMs).toUTCString(), ...(age !== undefined && { age }) }
    await fetch('https://id.example', {})
    return clock.lag()
  }
  assert.equal(await lagAfter(nowMs + 5_000), undefined)
  const lag = await lagAfter(nowMs + 60_000)
  assert.equal(lag, "the issuer's clock is 60000 ms ahead")
  assert.equal(await lagAfter(nowMs, '60'), lag)
  assert.equal(await lagAfter(nowMs - 6_000), lag)
  assert.equal(await lagAfter(nowMs - 5_000), undefined)
  assert.equal(await lagAfter(nowMs + 60_000, '1'), undefined, 'whoever dated it')
})
