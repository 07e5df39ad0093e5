import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeyInfo } from '@portcullis/client/admin'
import { startAdministered } from './administering.ts'

const reason = 'a test'
/** Twice the time that a key set may be kept, and what clocks may be apart. */
const readyAfterSeconds = 606

function stateOf(keys: readonly KeyInfo[], kid: string): string | undefined {
  return keys.find((key) => key.kid === kid)?.state
}

function feedKeys(keys: readonly KeyInfo[]): readonly KeyInfo[] {
  return keys.filter(({ purpose }) => purpose === 'feed')
}

function kidOf(keys: readonly KeyInfo[], purpose: string, state: string): string {
  const found = keys.find((key) => key.purpose === purpose && key.state === state)
  assert.ok(found !== undefined, `no ${state} key of ${purpose}`)
  return found.kid
}

test('keys are listed with their life, and rotated one purpose at a time', async (t) => {
  const { running, administration } = await startAdministered(t)
  const { keys } = administration
  const before = await keys.list()
  const [active, waiting] = ['active', 'pending'].map((state) =>
    kidOf(before, 'access-token', state),
  )
  const lines = before.map(({ purpose, algorithm }) => `${purpose} ${algorithm}`)
  const [ofTokens, ofFeed] = ['access-token RS256', 'feed ES256']
  assert.deepEqual(lines.toSorted(), [ofTokens, ofTokens, ofFeed, ofFeed])
  await assert.rejects(keys.rotate(), { code: 'refused', status: 409, reason: 'too-early' })
  running.clock.advanceSeconds(readyAfterSeconds)
  const after = await keys.rotate({ purpose: 'access-token', algorithm: 'RS256', reason })
  assert.equal(stateOf(after, String(active)), 'retiring')
  assert.equal(stateOf(after, String(waiting)), 'active')
  const promoted = after.find(({ kid }) => kid === waiting)
  const now = running.clock.now()
  assert.deepEqual(promoted?.activatedAt, new Date(now))
  assert.deepEqual(promoted?.rotatesAt, new Date(now + 30 * 24 * 3600 * 1000))
  const gone = after.find(({ kid }) => kid === active)
  // The longest token of these, or of what the issuer may yet have to tell, and a minute.
  const keptMs = Number(gone?.keptUntil) - now
  assert.ok(keptMs >= 300_000 + 60_000 && keptMs <= 3_600_000 + 60_000, `kept for ${keptMs} ms`)
  const next = after.find(({ kid }) => kid === kidOf(after, 'access-token', 'pending'))
  assert.deepEqual(next?.maySignAt, new Date(now + (readyAfterSeconds - 1) * 1000))
  assert.deepEqual(feedKeys(after), feedKeys(before))
  const rotated = await keys.rotate({ purpose: 'feed', reason })
  assert.notDeepEqual(feedKeys(rotated), feedKeys(before))
})

test('a key is withdrawn, which is told once, and the administrator stays signed in', async (t) => {
  const { administration } = await startAdministered(t)
  const { keys } = administration
  const before = await keys.list()
  const stolen = kidOf(before, 'access-token', 'active')
  const withdrawn = await keys.withdraw(stolen, { reason })
  assert.equal(withdrawn.revocation?.seq, 1)
  assert.equal(stateOf(withdrawn.keys, stolen), 'withdrawn')
  // The token that asked was signed with it; the next call brings one of the key that signs now.
  const again = await keys.withdraw(stolen, { reason })
  assert.equal(again.revocation, undefined)
  assert.equal(stateOf(await keys.list(), kidOf(before, 'access-token', 'pending')), 'active')
  const ofFeed = await keys.withdraw(kidOf(before, 'feed', 'pending'), { reason })
  assert.equal(ofFeed.revocation, undefined)
})

test('what is no key, no purpose and no reason is refused', async (t) => {
  const { administration } = await startAdministered(t)
  const { keys } = administration
  const malformed = { code: 'refused', status: 400, reason: 'malformed' }
  await assert.rejects(keys.rotate({ purpose: 'mail', reason }), malformed)
  await assert.rejects(keys.rotate({ algorithm: 'HS256', reason }), { status: 400 })
  const unknown = { reason, kid: 'x' }
  await assert.rejects(keys.rotate(unknown), /unknown member "kid"/)
  const nobody = keys.withdraw('A'.repeat(43), { reason })
  await assert.rejects(nobody, { code: 'refused', status: 404, reason: 'not-found' })
  await assert.rejects(keys.withdraw('A'.repeat(43), { reason: '' }), /"reason" must be a text/)
  await assert.rejects(keys.withdraw('', { reason }), /the id must be a text/)
})
