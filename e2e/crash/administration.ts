import assert from 'node:assert/strict'
import type { Answered } from './door.ts'
import type { Ledger } from './ledger.ts'
import { refreshOnce } from './refreshing.ts'
import type { Scene } from './scene.ts'
import { ask, newAttempt } from './scene.ts'
import { signIn } from './signing-in.ts'

const pauseMs = 25
const rotationInOneOf = 6

/** One step of the administrator: keeps the session fresh, looks at the keys, rotates them now and then. */
export async function administer(scene: Scene, isRotationWanted: boolean): Promise<void> {
  const { administrator } = scene.ledger
  const [session] = administrator.sessions
  if (session === undefined) return signIn(scene, administrator)
  await refreshOnce(scene, administrator, session, newAttempt())
  await (isRotationWanted || scene.chance.oneIn(rotationInOneOf) ? rotateKeys : listKeys)(scene)
  await new Promise((resolve) => setTimeout(resolve, pauseMs))
}

async function rotateKeys(scene: Scene): Promise<void> {
  const answer = await askAboutKeys(scene, 'rotate')
  // 409: the waiting key is too young, or there are as many retiring ones as there may be.
  if (answer === undefined || answer.status === 409) return
  noteKeys(scene.ledger, answer)
  scene.ledger.keyRotations += 1
}

async function listKeys(scene: Scene): Promise<void> {
  const answer = await askAboutKeys(scene, 'list')
  if (answer !== undefined) noteKeys(scene.ledger, answer)
}

function askAboutKeys(scene: Scene, what: 'rotate' | 'list'): Promise<Answered | undefined> {
  const { administrator } = scene.ledger
  const [session] = administrator.sessions
  assert.ok(session)
  const bearer = session.access
  return ask(
    scene,
    administrator,
    { kind: 'keys' },
    what === 'rotate'
      ? { name: 'rotate-keys', method: 'POST', path: '/admin/keys/rotate', bearer }
      : { name: 'read', method: 'GET', path: '/admin/keys', bearer },
  )
}

const keyStates: readonly string[] = ['pending', 'active', 'retiring', 'destroyed']

/** A key only ever goes forward, and never out of the list. */
export function assertKeysGoForward(
  { keyStates: known }: Pick<Ledger, 'keyStates'>,
  present: ReadonlyMap<string, string>,
): void {
  for (const [kid, state] of known) {
    const now = keyStates.indexOf(present.get(kid) ?? '')
    assert.ok(now >= keyStates.indexOf(state), `key ${kid} was ${state} and is ${present.get(kid)}`)
  }
}

function noteKeys(ledger: Ledger, answer: Answered): void {
  assert.equal(answer.status, 200, JSON.stringify(answer.members))
  const keys = answer.members['keys'] as readonly { readonly kid: string; readonly state: string }[]
  const present = new Map(keys.map(({ kid, state }) => [kid, state]))
  assertKeysGoForward(ledger, present)
  for (const [kid, state] of present) ledger.keyStates.set(kid, state)
}
