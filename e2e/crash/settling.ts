import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Doubt, HeldSession, Ledger, Person, RotationDoubt } from './ledger.ts'
import { noteAccountOver, noteSessionOver } from './ledger.ts'
import type { SessionRow, StoreView } from './store-view.ts'

/** What has to happen when the newest acknowledged refresh token of a session is presented. */
export type Prospect =
  | { readonly kind: 'goes-on' }
  /** The call that was not answered is sent again, and must get the one successor. */
  | { readonly kind: 'converges'; readonly rotation: RotationDoubt }
  /** The successor was lost on the way and nobody can ask for it again: an old token is theft. */
  | { readonly kind: 'is-theft' }
  | { readonly kind: 'is-over' }

interface Settled {
  readonly prospects: ReadonlyMap<HeldSession, Prospect>
  /** Of the calls that were not answered: those whose change the store has. */
  readonly committed: number
}

/** What a kill has left, and what follows from it. */
export interface Left {
  readonly view: StoreView
  readonly settled: Settled
}

/**
 * Compares the rows with what was acknowledged. Nothing acknowledged may be missing, and nothing may
 * be there that was neither acknowledged nor on its way when the kill came.
 */
export function settle(ledger: Ledger, view: StoreView): Settled {
  const prospects = new Map<HeldSession, Prospect>()
  let committed = 0
  for (const person of ledger.people) {
    if (person.accountId === '') continue
    committed += settleAccount(ledger, person, view) + settleLogins(person, view)
    for (const session of person.sessions) {
      const row = view.sessions.get(session.id)
      assert.ok(row, `session ${session.id} is lost`)
      committed += settleEnd(ledger, person, session, row) + settleRotation(person, session, row)
      prospects.set(session, prospectOf(person, session, row))
    }
    person.doubts.clear()
  }
  return { prospects, committed }
}

function doubtsOf<Kind extends Doubt['kind']>(
  person: Person,
  ...kinds: readonly Kind[]
): readonly Extract<Doubt, { readonly kind: Kind }>[] {
  return [...person.doubts].filter((doubt): doubt is Extract<Doubt, { readonly kind: Kind }> =>
    (kinds as readonly string[]).includes(doubt.kind),
  )
}

/** Answers how many changes of the account as a whole were made without an answer. */
function settleAccount(ledger: Ledger, person: Person, view: StoreView): number {
  const row = view.accounts.get(person.accountId)
  assert.ok(row, `account ${person.accountId} is lost`)
  const [ending, ...others] = doubtsOf(person, 'account-ending', 'block', 'password-change')
  assert.equal(others.length, 0, 'one person does one such thing at a time')
  const gained = row.generation - person.endings
  const who = `account ${person.accountId} of generation ${row.generation}`
  assert.ok(gained >= 0, `${who}: a revocation is lost, ${person.endings} were acknowledged`)
  assert.ok(gained <= (ending === undefined ? 0 : 1), `${who}: nobody has asked for that`)

  if (ending?.kind === 'password-change') {
    // Whichever of the two it is not has to be refused.
    person.formerPassword = gained === 0 ? ending.password : person.password
    if (gained === 1) person.password = ending.password
  }
  if (gained === 1) {
    const kept = ending?.kind === 'password-change' ? { kept: ending.session } : {}
    noteAccountOver(ledger, person, 'a call without an answer', kept)
  }
  const mayChange = doubtsOf(person, 'unblock').length > 0
  const wasBlocked = person.isBlocked || (ending?.kind === 'block' && gained === 1)
  if (!mayChange) assert.equal(row.isBlocked, wasBlocked, `${who}: blocked or not`)
  const unblocked = mayChange && !row.isBlocked ? 1 : 0
  person.isBlocked = row.isBlocked
  return gained + unblocked
}

/** Sessions that nobody has heard of come from logins without an answer. */
function settleLogins(person: Person, view: StoreView): number {
  const rows = [...view.sessions.values()].filter(({ accountId }) => accountId === person.accountId)
  const orphans = rows.length - person.sessions.length
  const gained = orphans - person.orphans
  assert.ok(gained >= 0, `${-gained} sessions of ${person.identifier} are lost`)
  assert.ok(gained <= doubtsOf(person, 'login').length, `${person.identifier}: sessions of nobody`)
  person.orphans = orphans
  return gained
}

function settleEnd(ledger: Ledger, person: Person, session: HeldSession, row: SessionRow): number {
  const isOver = row.hasEnded || row.generation < person.endings || person.isBlocked
  const what = `session ${session.id}`
  if (session.overBy !== undefined) {
    assert.ok(isOver, `${what} lives on after ${session.overBy}`)
    return 0
  }
  if (!isOver) return 0
  const mayHaveEnded = doubtsOf(person, 'session-ending').some((doubt) => doubt.session === session)
  assert.ok(mayHaveEnded, `${what} has ended, and nobody has ended it`)
  noteSessionOver(ledger, session, 'a call without an answer')
  return 1
}

function settleRotation(person: Person, session: HeldSession, row: SessionRow): number {
  const what = `session ${session.id} of counter ${row.counter}`
  const least = Math.max(session.counter, session.storedCounter)
  assert.ok(row.counter >= least, `${what}: a rotation is lost, ${least} was acknowledged`)
  const furthest = doubtsOf(person, 'rotation')
    .filter((doubt) => doubt.session === session)
    .map(({ counter }) => counter + 1)
  assert.ok(row.counter <= Math.max(least, ...furthest), `${what}: nobody has asked for that`)
  session.storedCounter = row.counter
  return row.counter - least
}

function prospectOf(person: Person, session: HeldSession, row: SessionRow): Prospect {
  if (session.overBy !== undefined) return { kind: 'is-over' }
  const rotations = doubtsOf(person, 'rotation').filter((doubt) => doubt.session === session)
  const committed = rotations.find(
    ({ attempt, counter }) =>
      attempt !== undefined && counter + 1 === row.counter && hashOf(attempt) === row.attemptHash,
  )
  if (committed !== undefined) return { kind: 'converges', rotation: committed }
  if (row.counter > session.counter) return { kind: 'is-theft' }
  const uncommitted = rotations.find(({ counter }) => counter === row.counter)
  return uncommitted === undefined
    ? { kind: 'goes-on' }
    : { kind: 'converges', rotation: uncommitted }
}

/** As the store keeps it. */
function hashOf(attempt: string): string {
  return createHash('sha256').update(attempt).digest('base64url')
}
