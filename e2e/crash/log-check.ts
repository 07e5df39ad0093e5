import assert from 'node:assert/strict'
import type { AccessTokenClaims } from '@portcullis/protocol'
import { parseCompactJws } from '@portcullis/protocol/jws'
import type { RevocationRecord } from '@portcullis/protocol/revocations'
import {
  encodeRecord,
  fingerprintOf,
  firstChain,
  nextChain,
} from '@portcullis/protocol/revocations'
import { assertKeysGoForward } from './administration.ts'
import type { Published } from './published.ts'
import type { AcknowledgedRevocation, Ledger } from './ledger.ts'
import type { Left } from './settling.ts'
import type { StoreView } from './store-view.ts'

/** The log and the keys that a kill has left, against all that was acknowledged and published. */
export function checkLogAndKeys(
  { issuer, ledger }: { readonly issuer: string; readonly ledger: Ledger },
  { view, settled }: Left,
  published: Published,
): void {
  checkChain(view, published)
  checkCauses(issuer, view)
  for (const revocation of ledger.revocations) checkAcknowledged(issuer, view, revocation)
  for (const [{ access, isAccessOver }, { kind }] of settled.prospects) {
    if (kind === 'is-over' || isAccessOver) continue
    const claims = claimsOf(access)
    const isRefused = view.records.some((record) => refuses(issuer, record, claims))
    assert.ok(!isRefused, `session ${claims.sid} lives, and the log refuses its newest token`)
  }
  checkKeys(view)
  assertKeysGoForward(ledger, new Map(view.keys.map(({ kid, state }) => [kid, state])))
}

/** Dense, chained up to the head, and what was published is a prefix of it. */
function checkChain({ head, records, highWater }: StoreView, published: Published): void {
  let chain = firstChain(head.epoch)
  for (const [at, record] of records.entries()) {
    assert.equal(record.seq, at + 1, 'the log has a gap')
    chain = nextChain(chain, record)
  }
  assert.equal(head.seq, records.length, 'the head does not stand at the last record')
  assert.equal(head.chain, chain, 'the records do not have the chain of the head')
  assert.ok(
    head.at >= published.lastAt(),
    'a checkpoint was published that the store has forgotten',
  )
  assert.ok(records.length >= published.records.length, 'a published record is gone')
  for (const [at, known] of published.records.entries()) {
    const kept = records[at]
    assert.ok(kept && encodeRecord(kept).equals(known), `record ${at + 1} has changed`)
  }
  if (highWater === undefined) return
  assert.equal(highWater.epoch, head.epoch)
  assert.ok(highWater.seq <= head.seq, 'the mark is ahead of the database')
}

/** Each end has its one record and its one event, and there are no others. */
function checkCauses(issuer: string, { sessions, accounts, records, events }: StoreView): void {
  const counts = new Map<string, number>()
  for (const { kind, fingerprint } of records) {
    const name = `${kind} ${fingerprint}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  const countOf = (kind: 'session' | 'account', key: string): number =>
    counts.get(`${kind} ${fingerprintOf(issuer, kind, key)}`) ?? 0
  let ends = 0
  for (const [id, { accountId, generation, hasEnded }] of sessions) {
    const count = countOf('session', id)
    // What a floor ended has the record of its account, and is marked as ended when it is swept.
    const isBelowFloor = generation < (accounts.get(accountId)?.loginFloor ?? 0)
    const isExplained = count === (hasEnded ? 1 : 0) || (isBelowFloor && count === 0)
    assert.ok(isExplained, `session ${id} has ${count} records`)
    ends += count
  }
  let accountEnds = 0
  for (const [id, { generation, loginFloor }] of accounts) {
    assert.equal(countOf('account', id), generation, `the records of account ${id}`)
    assert.equal(loginFloor, generation)
    accountEnds += generation
  }
  assert.equal(records.length, ends + accountEnds)
  const eventsOf = (...kinds: readonly string[]): number =>
    kinds.reduce((sum, kind) => sum + (events.get(kind) ?? 0), 0)
  assert.equal(eventsOf('session-ended', 'refresh-reuse'), ends)
  assert.equal(eventsOf('all-sessions-ended', 'password-changed', 'account-blocked'), accountEnds)
  assert.equal(eventsOf('history-lost'), 0)
}

/** The record is where identity has said that it is, the mark covers it, and it refuses the tokens. */
function checkAcknowledged(
  issuer: string,
  { head, records, highWater }: StoreView,
  { kind, key, position, accessTokens }: AcknowledgedRevocation,
): void {
  const what = `the revocation of ${kind} ${key} at ${position.seq}`
  assert.equal(position.epoch, head.epoch, `${what} is of an epoch that is over`)
  const record = records[position.seq - 1]
  assert.ok(record, `${what} is lost`)
  assert.deepEqual(
    [record.kind, record.fingerprint],
    [kind, fingerprintOf(issuer, kind, key)],
    what,
  )
  const isMarked = highWater === undefined || highWater.seq >= position.seq
  assert.ok(isMarked, `${what} was acknowledged before it was marked`)
  for (const token of accessTokens) {
    assert.ok(refuses(issuer, record, claimsOf(token)), `${what} lets a token live`)
  }
}

/** How a follower judges (docs/feed-format.md), for the kinds that are written here. */
function refuses(issuer: string, record: RevocationRecord, claims: AccessTokenClaims): boolean {
  const { kind, fingerprint, floor } = record
  if (kind === 'session') return fingerprint === fingerprintOf(issuer, kind, claims.sid ?? '')
  assert.equal(kind, 'account')
  return fingerprint === fingerprintOf(issuer, kind, claims.sub) && (claims.gen ?? 0) < floor
}

function claimsOf(accessToken: string): AccessTokenClaims {
  const jws = parseCompactJws(accessToken)
  assert.equal(jws.kind, 'jws')
  // Its signature is checked where the published keys are.
  return jws.payload as unknown as AccessTokenClaims
}

/** One active and one pending key on each line, and the head names those that live. */
function checkKeys({ keys, head }: StoreView): void {
  const lines = new Set(keys.map(({ purpose, algorithm }) => `${purpose} ${algorithm}`))
  assert.deepEqual([...lines].toSorted(), ['access-token RS256', 'feed ES256'])
  for (const line of lines) {
    const states = keys
      .filter(({ purpose, algorithm }) => `${purpose} ${algorithm}` === line)
      .map(({ state }) => state)
    const countOf = (wanted: string): number => states.filter((state) => state === wanted).length
    assert.deepEqual([countOf('active'), countOf('pending')], [1, 1], line)
  }
  const living = keys
    .filter(({ purpose, state }) => purpose === 'access-token' && state !== 'destroyed')
    .map(({ kid }) => kid)
  assert.deepEqual(head.kids.toSorted(), living.toSorted())
}
