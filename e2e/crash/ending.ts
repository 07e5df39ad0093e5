import assert from 'node:assert/strict'
import { newRandomSecret } from '@portcullis/identity'
import type { Answered, Call } from './door.ts'
import type { Doubt, HeldSession, Person } from './ledger.ts'
import { noteAccountOver, noteFreshTokens, noteSessionOver, positionOf } from './ledger.ts'
import type { Scene } from './scene.ts'
import { ask } from './scene.ts'

/** Ends a session by its refresh token, or by its access token. */
export async function logOut(scene: Scene, person: Person, session: HeldSession): Promise<void> {
  const path = '/logout'
  const call: Call = scene.chance.oneIn(2)
    ? { name: 'logout', method: 'POST', path, json: { refresh_token: session.refresh } }
    : { name: 'logout', method: 'POST', path, bearer: session.access }
  const answer = await askForEnd(scene, person, { kind: 'session-ending', session }, call)
  if (answer !== undefined) {
    noteSessionOver(scene.ledger, session, 'logout', positionOf(answer))
  }
}

/** Ends a session from another one of its owner. */
export async function endFromElsewhere(
  scene: Scene,
  person: Person,
  session: HeldSession,
  from: HeldSession,
): Promise<void> {
  const call: Call = {
    name: 'end-session',
    method: 'DELETE',
    path: `/sessions/${session.id}`,
    bearer: from.access,
  }
  const answer = await askForEnd(scene, person, { kind: 'session-ending', session }, call)
  if (answer !== undefined) {
    noteSessionOver(scene.ledger, session, 'its owner', positionOf(answer))
  }
}

export async function logOutEverywhere(
  scene: Scene,
  person: Person,
  session: HeldSession,
): Promise<void> {
  const call: Call = {
    name: 'logout-everywhere',
    method: 'POST',
    path: '/logout/everywhere',
    json: { refresh_token: session.refresh },
  }
  const answer = await askForEnd(scene, person, { kind: 'account-ending' }, call)
  if (answer !== undefined) {
    const position = positionOf(answer)
    noteAccountOver(scene.ledger, person, 'logout everywhere', { position })
  }
}

/** Ends every session but this one, which goes on with tokens of its own. */
export async function changePassword(
  scene: Scene,
  person: Person,
  session: HeldSession,
): Promise<void> {
  const password = newRandomSecret()
  const call: Call = {
    name: 'password-change',
    method: 'POST',
    path: '/account/password',
    json: { current: person.password, new: password },
    bearer: session.access,
  }
  const doubt = { kind: 'password-change', session, password } as const
  const answer = await askForEnd(scene, person, doubt, call)
  if (answer === undefined) return
  const position = positionOf(answer)
  noteAccountOver(scene.ledger, person, 'a new password', { position, kept: session })
  noteFreshTokens(scene.ledger, session, answer)
  person.formerPassword = person.password
  person.password = password
}

export async function block(scene: Scene, person: Person): Promise<void> {
  const call = decisionCall(scene, person, 'block')
  const answer = await askForEnd(scene, person, { kind: 'block' }, call)
  if (answer === undefined) return
  person.isBlocked = true
  noteAccountOver(scene.ledger, person, 'a block', { position: positionOf(answer) })
}

export async function unblock(scene: Scene, person: Person): Promise<void> {
  const call = decisionCall(scene, person, 'unblock')
  const answer = await ask(scene, person, { kind: 'unblock' }, call)
  if (answer === undefined) return
  assert.equal(answer.status, 204, JSON.stringify(answer.members))
  person.isBlocked = false
}

function decisionCall({ ledger }: Scene, person: Person, name: 'block' | 'unblock'): Call {
  const [session] = ledger.administrator.sessions
  assert.ok(session)
  return {
    name,
    method: 'POST',
    path: `/admin/accounts/${person.accountId}/${name}`,
    json: { reason: 'the crash test' },
    bearer: session.access,
  }
}

async function askForEnd(
  scene: Scene,
  person: Person,
  doubt: Doubt,
  call: Call,
): Promise<Answered | undefined> {
  const answer = await ask(scene, person, doubt, call)
  if (answer !== undefined) {
    assert.equal(answer.status, 200, `${call.name}: ${JSON.stringify(answer.members)}`)
  }
  return answer
}
