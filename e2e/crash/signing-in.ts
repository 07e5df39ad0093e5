import assert from 'node:assert/strict'
import type { Person } from './ledger.ts'
import { noteLogin } from './ledger.ts'
import type { Scene } from './scene.ts'
import { ask, loginCall } from './scene.ts'

/** Opens a session with the password that identity has acknowledged last. */
export async function signIn(scene: Scene, person: Person): Promise<void> {
  const answer = await ask(scene, person, { kind: 'login' }, loginCall(scene.issuer, person))
  if (answer === undefined) return
  assert.equal(answer.status, 200, `${person.identifier}: ${JSON.stringify(answer.members)}`)
  noteLogin(scene.ledger, person, answer)
}
