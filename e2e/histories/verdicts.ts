import assert from 'node:assert/strict'
import type { Access, Deed, Ledger } from './ledger.ts'
import { counterOf, issuedBy } from './ledger.ts'
import type { Presenting } from './reasons.ts'
import {
  changesOf,
  isSurelyBlocked,
  isSurelyOver,
  isSurelyStale,
  isSurelyTakenBack,
  knownCounter,
  mayBeBlocked,
  mayBeOtherPassword,
  mayBeOver,
  mayBeOvertaken,
  mayBePassword,
  mayBeStale,
  mayBeTakenBack,
} from './reasons.ts'

/** Every answer of the history must be one that some order of its deeds explains. Throws at the first that is not. */
export function judge(ledger: Ledger): void {
  for (const deed of ledger.deeds) judgeDeed(ledger, deed)
  judgeChains(ledger)
  judgePasswords(ledger)
}

function judgeDeed(ledger: Ledger, deed: Deed): void {
  if (deed.reply.kind === 'unknown') return
  const isDone = deed.reply.kind === 'done'
  switch (deed.kind) {
    case 'login':
      return (isDone ? judgeLogin : judgeRefusedLogin)(ledger, deed, deed.password)
    case 'refresh':
    case 'everywhere':
      return (isDone ? judgeUse : judgeRefusedUse)(ledger, deed)
    case 'ending':
      if ('access' in deed.by) return judgeAccess(ledger, deed.by.access, deed)
      // It ends its session whatever it is worth.
      return assert.ok(isDone, `${place(deed)}: a logout by refresh token was refused`)
    case 'password-change':
      return isDone
        ? judgeChange(ledger, deed)
        : assert.ok(
            mayBeOtherPassword(ledger, deed.current, deed) ||
              mayBeRefused(ledger, deed.by.access, deed),
            `${place(deed)}: a change of the password was refused for nothing`,
          )
    case 'showing':
      return judgeAccess(ledger, deed.by.access, deed)
    case 'block':
    case 'unblock':
      assert.ok(isDone, `${place(deed)}: an administrator was refused`)
  }
}

function judgeLogin(ledger: Ledger, deed: Deed, password: string): void {
  assert.ok(deed.access, `${place(deed)}: no tokens`)
  assert.ok(mayBePassword(ledger, password, deed), `${place(deed)}: the password was not that one`)
  assert.ok(!isSurelyBlocked(ledger, deed), `${place(deed)}: the account was blocked`)
}

function judgeRefusedLogin(ledger: Ledger, deed: Deed, password: string): void {
  assert.ok(
    mayBeOtherPassword(ledger, password, deed) ||
      mayBeBlocked(ledger, deed) ||
      mayBeOvertaken(ledger, deed),
    `${place(deed)}: a login was refused for nothing`,
  )
}

/** A refresh token was taken. */
function judgeUse(ledger: Ledger, deed: Presenting): void {
  const isOver = isSurelyOver(ledger, deed.sessionId, deed.from)
  assert.ok(!isOver, `${place(deed)}: the session was over`)
  assert.ok(!isSurelyStale(ledger, deed), `${place(deed)}: the token was an old one`)
  if (deed.kind !== 'refresh') return
  const issued = issuedBy(deed)
  assert.ok(issued !== undefined && deed.access, `${place(deed)}: no tokens`)
  assert.equal(deed.access.claims.sid, deed.sessionId, place(deed))
  const further = counterOf(issued) - counterOf(deed.refresh)
  assert.ok(further === 0 || further === 1, `${place(deed)}: the counter went on by ${further}`)
  const known = knownCounter(ledger, deed.sessionId, deed.from)
  assert.ok(counterOf(issued) >= known, `${place(deed)}: a rotation was forgotten`)
}

/** A refresh token was not taken, so its session is over, and there has to be somebody who ended it. */
function judgeRefusedUse(ledger: Ledger, deed: Presenting): void {
  assert.ok(
    mayBeOver(ledger, deed.sessionId, deed) || mayBeStale(ledger, deed),
    `${place(deed)}: a session was ended for nothing`,
  )
}

function judgeChange(
  ledger: Ledger,
  deed: Extract<Deed, { readonly kind: 'password-change' }>,
): void {
  judgeAccess(ledger, deed.by.access, deed)
  const mayBe = mayBePassword(ledger, deed.current, deed)
  assert.ok(mayBe, `${place(deed)}: the password was not that one`)
  const issued = issuedBy(deed)
  if (issued === undefined) return
  const known = knownCounter(ledger, deed.sessionId, deed.from)
  assert.ok(counterOf(issued) >= known, `${place(deed)}: a rotation was forgotten`)
}

function judgeAccess(ledger: Ledger, access: Access, deed: Deed): void {
  if (deed.reply.kind === 'refused') {
    const mayBe = mayBeRefused(ledger, access, deed)
    return assert.ok(mayBe, `${place(deed)}: an access token was refused for nothing`)
  }
  const isOver = isSurelyOver(ledger, access.claims.sid ?? '', deed.from)
  assert.ok(!isOver, `${place(deed)}: the session of the token was over`)
  const isTakenBack = isSurelyTakenBack(ledger, access, deed.from)
  assert.ok(!isTakenBack, `${place(deed)}: the token was taken back`)
}

function mayBeRefused(ledger: Ledger, access: Access, deed: Deed): boolean {
  return mayBeOver(ledger, access.claims.sid ?? '', deed) || mayBeTakenBack(ledger, access, deed.to)
}

/** One live successor chain a session: no counter has two tokens. */
function judgeChains({ deeds }: Ledger): void {
  const tokens = new Map<string, string>()
  for (const deed of deeds) {
    const issued = issuedBy(deed)
    if (issued === undefined) continue
    const link = `${deed.access?.claims.sid} ${counterOf(issued)}`
    assert.equal(tokens.get(link) ?? issued, issued, `${place(deed)}: a second successor`)
    tokens.set(link, issued)
  }
}

/** No password is replaced twice. */
function judgePasswords(ledger: Ledger): void {
  const replaced = changesOf(ledger)
    .filter(({ reply }) => reply.kind === 'done')
    .map(({ current }) => current)
  assert.equal(new Set(replaced).size, replaced.length, 'one password was replaced twice')
}

function place({ from, kind }: Deed): string {
  return `${from.place} ${kind}`
}
