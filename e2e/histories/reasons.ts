import type { Access, Deed, Ledger, Moment, RefreshFacts } from './ledger.ts'
import { counterOf, issuedBy } from './ledger.ts'

/**
 * What follows from the answers for a moment in the history: what must have been so (`isSurely…`), and what
 * may have been so (`mayBe…`). Between the two stands all that depends on the order in which deeds that
 * were done at the same time took effect, and on those that were never answered.
 */
function mayHaveHappened({ reply }: Deed): boolean {
  return reply.kind !== 'refused'
}

function isDone({ reply }: Deed): boolean {
  return reply.kind === 'done'
}

function precedes(earlier: Moment, later: Moment): boolean {
  return earlier.place < later.place
}

function overlaps(one: Deed, other: Deed): boolean {
  return precedes(one.from, other.to) && precedes(other.from, one.to)
}

const accountEndings: ReadonlySet<Deed['kind']> = new Set([
  'everywhere',
  'password-change',
  'block',
])

/** Deeds that take everything of the account back, if they happened. */
export function accountEndingsOf({ deeds }: Ledger): readonly Deed[] {
  return deeds.filter((deed) => accountEndings.has(deed.kind) && mayHaveHappened(deed))
}

/** Those that end this session: a password change keeps the one that it was made in. */
function endingsOfAccountFor(ledger: Ledger, sessionId: string): readonly Deed[] {
  return accountEndingsOf(ledger).filter(
    (deed) => deed.kind !== 'password-change' || deed.sessionId !== sessionId,
  )
}

function loginOf({ deeds }: Ledger, sessionId: string): Deed {
  const login = deeds.find(
    ({ kind, access }) => kind === 'login' && access?.claims.sid === sessionId,
  )
  if (login === undefined) throw new TypeError(`nobody was given the session ${sessionId}`)
  return login
}

/** Whether the session must have been over at the moment. */
export function isSurelyOver(ledger: Ledger, sessionId: string, at: Moment): boolean {
  const wasEnded = ledger.deeds.some(
    (deed) =>
      'sessionId' in deed &&
      deed.sessionId === sessionId &&
      precedes(deed.to, at) &&
      provesEnd(deed),
  )
  if (wasEnded) return true
  const login = loginOf(ledger, sessionId)
  return endingsOfAccountFor(ledger, sessionId).some(
    (ending) => isDone(ending) && precedes(ending.to, at) && precedes(login.to, ending.from),
  )
}

/** Whoever is refused with a genuine refresh token is told that the session is over for good. */
function provesEnd(deed: Deed): boolean {
  if (deed.kind === 'ending') return isDone(deed)
  return 'refresh' in deed && deed.reply.kind === 'refused'
}

/** Whether the session may have been over by the end of the deed, without its own doing. */
export function mayBeOver(ledger: Ledger, sessionId: string, deed?: Deed): boolean {
  const isBefore = (other: Deed): boolean =>
    other !== deed && (deed === undefined || precedes(other.from, deed.to))
  const mayHaveEnded = ledger.deeds.some(
    (other) =>
      'sessionId' in other &&
      other.sessionId === sessionId &&
      isBefore(other) &&
      mayEndSession(ledger, other),
  )
  if (mayHaveEnded) return true
  const login = loginOf(ledger, sessionId)
  return endingsOfAccountFor(ledger, sessionId).some(
    (ending) => isBefore(ending) && precedes(login.from, ending.to),
  )
}

function mayEndSession(ledger: Ledger, deed: Deed): boolean {
  if (deed.kind === 'ending') return mayHaveHappened(deed)
  return (deed.kind === 'refresh' || deed.kind === 'everywhere') && !isDone(deed)
    ? mayBeStale(ledger, deed)
    : false
}

/** The deed, where it presents a refresh token. */
export type Presenting = Deed & { readonly sessionId: string; readonly refresh: string }

/** Whether the refresh token of the deed must have been superseded, and its window over, before it began. */
export function isSurelyStale(ledger: Ledger, deed: Presenting): boolean {
  const presented = counterOf(deed.refresh)
  const known = knownCounter(ledger, deed.sessionId, deed.from)
  if (presented <= known - 2) return true
  // At a logout, whoever lags by one may be somebody whose answer was lost.
  if (presented !== known - 1 || deed.kind !== 'refresh') return false
  const rotatedByMs = Math.min(
    ...refreshesOf(ledger, deed.sessionId)
      .filter((one) => precedes(one.to, deed.from) && counterIssuedBy(one) > presented)
      .map(({ to }) => to.ms),
  )
  if (deed.from.ms - rotatedByMs < ledger.graceMs) return false
  return !rotatorsOf(ledger, deed, presented).some((one) => isSameAttempt(one, deed))
}

/** Whether the refresh token of the deed may have been superseded before it took effect. */
export function mayBeStale(ledger: Ledger, deed: Presenting): boolean {
  const presented = counterOf(deed.refresh)
  const furthest = furthestCounter(ledger, deed.sessionId, deed)
  if (furthest >= presented + 2) return true
  if (furthest <= presented || deed.kind !== 'refresh') return false
  const rotators = rotatorsOf(ledger, deed, presented)
  const earliestMs = Math.min(...rotators.map(({ from }) => from.ms))
  return (
    deed.to.ms - earliestMs >= ledger.graceMs && rotators.some((one) => !isSameAttempt(one, deed))
  )
}

type Refresh = Deed & RefreshFacts

function refreshesOf({ deeds }: Ledger, sessionId: string): readonly Refresh[] {
  return deeds.filter(
    (deed): deed is Refresh => deed.kind === 'refresh' && deed.sessionId === sessionId,
  )
}

/** Other refreshes that may have moved the session on from this counter by the end of the deed. */
function rotatorsOf(ledger: Ledger, deed: Presenting, counter: number): readonly Refresh[] {
  return refreshesOf(ledger, deed.sessionId).filter(
    (one) =>
      one !== deed &&
      precedes(one.from, deed.to) &&
      mayHaveHappened(one) &&
      counterOf(one.refresh) === counter,
  )
}

function isSameAttempt(one: Refresh, other: RefreshFacts): boolean {
  return one.attempt !== undefined && one.attempt === other.attempt
}

function counterIssuedBy(deed: Deed): number {
  const issued = issuedBy(deed)
  return issued === undefined ? 0 : counterOf(issued)
}

/** How far the session must have been rotated at the moment. */
export function knownCounter(ledger: Ledger, sessionId: string, at: Moment): number {
  return refreshesOf(ledger, sessionId)
    .filter(({ to }) => precedes(to, at))
    .reduce((furthest, one) => Math.max(furthest, counterIssuedBy(one)), 0)
}

/** How far the session may have been rotated by the end of a deed, without its own doing. */
export function furthestCounter(ledger: Ledger, sessionId: string, deed?: Deed): number {
  return refreshesOf(ledger, sessionId)
    .filter((one) => one !== deed && (deed === undefined || precedes(one.from, deed.to)))
    .filter(mayHaveHappened)
    .map((one) => (isDone(one) ? counterIssuedBy(one) : counterOf(one.refresh) + 1))
    .reduce((furthest, counter) => Math.max(furthest, counter), 0)
}

/** Whether the account's tokens of that time must have been taken back before the moment. */
export function isSurelyTakenBack(ledger: Ledger, { mint }: Access, at: Moment): boolean {
  return accountEndingsOf(ledger).some(
    (ending) =>
      ending !== mint &&
      isDone(ending) &&
      precedes(mint.to, ending.from) &&
      precedes(ending.to, at),
  )
}

/** Whether the account's tokens of that time may have been taken back before the moment. */
export function mayBeTakenBack(ledger: Ledger, { mint }: Access, at: Moment): boolean {
  return accountEndingsOf(ledger).some(
    (ending) => ending !== mint && precedes(mint.from, ending.to) && precedes(ending.from, at),
  )
}

/** Whether the password may have been the right one at some time in the deed. */
export function mayBePassword(ledger: Ledger, password: string, deed: Deed): boolean {
  const changes = changesOf(ledger).filter((change) => change !== deed)
  const wasReplaced = changes.some(
    (change) => change.current === password && isDone(change) && precedes(change.to, deed.from),
  )
  const mayHaveBeenSet = changes.some(
    (change) =>
      change.next === password && mayHaveHappened(change) && precedes(change.from, deed.to),
  )
  return !wasReplaced && (password === ledger.firstPassword || mayHaveBeenSet)
}

/** Whether the password may have been another one at some time in the deed. */
export function mayBeOtherPassword(ledger: Ledger, password: string, deed: Deed): boolean {
  const changes = changesOf(ledger).filter((change) => change !== deed)
  const mayBeReplaced = changes.some(
    (change) =>
      change.current === password && mayHaveHappened(change) && precedes(change.from, deed.to),
  )
  const wasSet = changes.some(
    (change) => change.next === password && isDone(change) && precedes(change.to, deed.from),
  )
  return mayBeReplaced || !(wasSet || password === ledger.firstPassword)
}

type PasswordChange = Extract<Deed, { readonly kind: 'password-change' }>

export function changesOf({ deeds }: Ledger): readonly PasswordChange[] {
  return deeds.filter((deed): deed is PasswordChange => deed.kind === 'password-change')
}

/** Whether the account must have been blocked through the whole deed. */
export function isSurelyBlocked({ deeds }: Ledger, deed: Deed): boolean {
  return deeds.some(
    (block) =>
      block.kind === 'block' &&
      isDone(block) &&
      precedes(block.to, deed.from) &&
      !deeds.some(
        (unblock) =>
          unblock.kind === 'unblock' &&
          precedes(block.from, unblock.to) &&
          precedes(unblock.from, deed.to),
      ),
  )
}

/** Whether the account may have been blocked at some time in the deed. */
export function mayBeBlocked({ deeds }: Ledger, deed: Deed): boolean {
  return deeds.some(
    (block) =>
      block.kind === 'block' &&
      precedes(block.from, deed.to) &&
      !deeds.some(
        (unblock) =>
          unblock.kind === 'unblock' &&
          isDone(unblock) &&
          precedes(block.to, unblock.from) &&
          precedes(unblock.to, deed.from),
      ),
  )
}

/** Whether everything of the account may have been taken back while the deed was under way. */
export function mayBeOvertaken(ledger: Ledger, deed: Deed): boolean {
  return accountEndingsOf(ledger).some((ending) => overlaps(ending, deed))
}
