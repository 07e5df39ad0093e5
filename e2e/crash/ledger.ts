import assert from 'node:assert/strict'
import { parseCompactJws } from '@portcullis/protocol/jws'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { Answered, CallName } from './door.ts'

/** A session as the load knows it: only what identity has acknowledged. */
export interface HeldSession {
  readonly id: string
  /** The newest acknowledged refresh token, the one before it, and the counter of the newest. */
  refresh: string
  previous: string | undefined
  counter: number
  /** How far the store was at the last kill: beyond `counter` when an answer was lost for good. */
  storedCounter: number
  access: string
  /** The session lives, and a change of the password has taken this token of it back. */
  isAccessOver: boolean
  /** What ended it; undefined while it has to live. */
  overBy: string | undefined
  /** Whether an identity that came up after the end has refused its tokens. */
  isProvenOver: boolean
}

export interface Person {
  readonly identifier: string
  /** Known from the first token on. */
  accountId: string
  password: string
  /** The password before an unanswered or acknowledged change that no login has proved yet. */
  formerPassword: string | undefined
  isBlocked: boolean
  /** How often everything of the account was revoked: its generation. */
  endings: number
  /** Sessions whose login was never answered: they are in the store, and nobody can use them. */
  orphans: number
  readonly sessions: HeldSession[]
  /** The calls that were sent and not answered. */
  readonly doubts: Set<Doubt>
}

/** What a call that was not answered may have done. */
export type Doubt =
  | { readonly kind: 'login' }
  | RotationDoubt
  | { readonly kind: 'session-ending'; readonly session: HeldSession }
  | { readonly kind: 'account-ending' }
  | { readonly kind: 'block' }
  | { readonly kind: 'unblock' }
  | { readonly kind: 'keys' }
  | { readonly kind: 'password-change'; readonly session: HeldSession; readonly password: string }

export interface RotationDoubt {
  readonly kind: 'rotation'
  readonly session: HeldSession
  readonly presented: string
  readonly counter: number
  readonly attempt: string | undefined
}

/** Something that identity has said is revoked, and where in the log. */
export interface AcknowledgedRevocation {
  readonly kind: 'session' | 'account'
  readonly key: string
  readonly position: RevocationPosition
  /** The access tokens that it took back. */
  readonly accessTokens: readonly string[]
}

/** Every acknowledgement so far, kept outside identity. */
export interface Ledger {
  readonly administrator: Person
  /** The administrator is one of them. */
  readonly people: readonly Person[]
  readonly revocations: AcknowledgedRevocation[]
  /** Every key that identity has named, with the last state that it named. */
  readonly keyStates: Map<string, string>
  keyRotations: number
  /** The access tokens acknowledged since the last check. */
  readonly freshTokens: string[]
  readonly answered: Map<CallName, number>
  readonly unanswered: Map<CallName, number>
  /** The one successor that each refresh token ever got. */
  readonly successors: Map<string, string>
}

export function createLedger(
  accounts: readonly { readonly identifier: string; readonly password: string }[],
): Ledger {
  const people = accounts.map(({ identifier, password }): Person => ({
    identifier,
    password,
    accountId: '',
    formerPassword: undefined,
    isBlocked: false,
    endings: 0,
    orphans: 0,
    sessions: [],
    doubts: new Set(),
  }))
  const [administrator] = people
  assert.ok(administrator)
  return {
    administrator,
    people,
    revocations: [],
    keyStates: new Map(),
    keyRotations: 0,
    freshTokens: [],
    answered: new Map(),
    unanswered: new Map(),
    successors: new Map(),
  }
}

export function liveSessions(person: Person): readonly HeldSession[] {
  return person.sessions.filter(({ overBy }) => overBy === undefined)
}

/** A login was acknowledged. */
export function noteLogin(ledger: Ledger, person: Person, answer: Answered): void {
  const { refresh, access } = tokensOf(answer)
  person.accountId = subjectOf(access)
  ledger.freshTokens.push(access)
  const id = String(answer.members['session_id'])
  const counter = counterOf(refresh)
  assert.equal(counter, 0)
  person.sessions.push({
    id,
    refresh,
    previous: undefined,
    counter,
    storedCounter: counter,
    access,
    isAccessOver: false,
    overBy: undefined,
    isProvenOver: false,
  })
}

/** A refresh was acknowledged. However often a token is presented, it has one successor. */
export function noteRotation(
  ledger: Ledger,
  session: HeldSession,
  presented: string,
  answer: Answered,
): void {
  const { refresh, access } = tokensOf(answer)
  const counter = counterOf(refresh)
  assert.equal(counter, counterOf(presented) + 1, `session ${session.id} skipped a counter`)
  assert.equal(
    refresh,
    ledger.successors.get(presented) ?? refresh,
    `session ${session.id} has two successors of counter ${counter - 1}`,
  )
  ledger.successors.set(presented, refresh)
  ledger.freshTokens.push(access)
  session.access = access
  session.isAccessOver = false
  if (counter <= session.counter) return
  session.previous = presented
  session.refresh = refresh
  session.counter = counter
}

/** A session went on with a new access token and the refresh token that it had. */
export function noteFreshTokens(ledger: Ledger, session: HeldSession, answer: Answered): void {
  const { refresh, access } = tokensOf(answer)
  assert.equal(refresh, session.refresh, `session ${session.id} was rotated unasked`)
  ledger.freshTokens.push(access)
  session.access = access
  session.isAccessOver = false
}

/** A session ended; `position` is where identity says that the log has it. */
export function noteSessionOver(
  ledger: Ledger,
  session: HeldSession,
  overBy: string,
  position?: RevocationPosition,
): void {
  session.overBy ??= overBy
  if (position === undefined) return
  const accessTokens = [session.access]
  ledger.revocations.push({ kind: 'session', key: session.id, position, accessTokens })
}

/** Everything of an account was revoked, except for a session that goes on with new tokens. */
export function noteAccountOver(
  ledger: Ledger,
  person: Person,
  overBy: string,
  { position, kept }: { readonly position?: RevocationPosition; readonly kept?: HeldSession } = {},
): void {
  const live = liveSessions(person)
  person.endings += 1
  for (const session of live) if (session !== kept) session.overBy = overBy
  if (kept !== undefined) kept.isAccessOver = true
  if (position === undefined) return
  const accessTokens = live.map(({ access }) => access)
  ledger.revocations.push({ kind: 'account', key: person.accountId, position, accessTokens })
}

/** `{epoch, seq}`, as every revoking call answers it. */
export function positionOf(answer: Answered): RevocationPosition {
  const { epoch, seq } = { ...(answer.members['revocation'] as Partial<RevocationPosition>) }
  assert.ok(typeof epoch === 'string' && typeof seq === 'number', 'the answer has no position')
  return { epoch, seq }
}

function counterOf(refreshToken: string): number {
  return Number(refreshToken.split('.')[2])
}

function subjectOf(accessToken: string): string {
  const parsed = parseCompactJws(accessToken)
  assert.equal(parsed.kind, 'jws')
  const { sub } = parsed.payload
  assert.ok(typeof sub === 'string')
  return sub
}

function tokensOf({ members }: Answered): { readonly refresh: string; readonly access: string } {
  const { refresh_token: refresh, access_token: access } = members
  assert.ok(typeof refresh === 'string' && typeof access === 'string', 'the answer has no tokens')
  return { refresh, access }
}
