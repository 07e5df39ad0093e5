import assert from 'node:assert/strict'
import type { Answered } from './door.ts'
import type { HeldSession, Person } from './ledger.ts'
import { noteRotation, noteSessionOver } from './ledger.ts'
import type { Scene } from './scene.ts'
import { ask, isInvalidGrant, newAttempt, refreshCall, rotationOf } from './scene.ts'

/** Refreshes a live session once. */
export async function refreshOnce(
  scene: Scene,
  person: Person,
  session: HeldSession,
  attempt?: string,
): Promise<void> {
  const rotation = rotationOf(session, attempt)
  const answer = await ask(scene, person, rotation, refreshCall(scene.issuer, rotation))
  if (answer !== undefined) takeSuccessor(scene, session, rotation.presented, answer)
}

/** A client that sends again before it has an answer, and once more after it: one successor for all. */
export async function refreshImpatiently(
  scene: Scene,
  person: Person,
  session: HeldSession,
): Promise<void> {
  const attempt = newAttempt()
  const rotation = rotationOf(session, attempt)
  const send = async (): Promise<void> => {
    // A doubt of its own for each: any of them may be the one that is not answered.
    const doubt = { ...rotation }
    const answer = await ask(scene, person, doubt, refreshCall(scene.issuer, rotation))
    if (answer !== undefined) takeSuccessor(scene, session, rotation.presented, answer)
  }
  await Promise.all([send(), send()])
  await send()
}

/** Two who hold one token, and know nothing of each other: one gets a successor, and it is theft. */
export async function refreshAsTwo(
  scene: Scene,
  person: Person,
  session: HeldSession,
): Promise<void> {
  const ending = { kind: 'session-ending', session } as const
  person.doubts.add(ending)
  const send = async (): Promise<Answered | undefined> => {
    const rotation = rotationOf(session, newAttempt())
    return ask(scene, person, rotation, refreshCall(scene.issuer, rotation))
  }
  const presented = session.refresh
  const answers = (await Promise.all([send(), send()])).filter((answer) => answer !== undefined)
  const refused = answers.filter(isInvalidGrant)
  const granted = answers.filter(({ status }) => status === 200)
  assert.equal(refused.length + granted.length, answers.length, 'a refresh was answered otherwise')
  assert.ok(granted.length < 2, `session ${session.id} was rotated twice from one token`)
  for (const answer of granted) noteRotation(scene.ledger, session, presented, answer)
  // To be refused is to be told: the session has ended for good by then.
  if (refused.length > 0) noteSessionOver(scene.ledger, session, 'theft')
  if (answers.length === 2) {
    assert.equal(refused.length, 1, `session ${session.id} lives on with two holders`)
    person.doubts.delete(ending)
  }
}

/** A refresh that races with the end of its session: whatever it is told, the end is the end. */
export async function refreshAgainst(
  scene: Scene,
  person: Person,
  session: HeldSession,
  end: () => Promise<void>,
): Promise<void> {
  const rotation = rotationOf(session, newAttempt())
  const refresh = async (): Promise<void> => {
    const answer = await ask(scene, person, rotation, refreshCall(scene.issuer, rotation))
    if (answer?.status === 200) noteRotation(scene.ledger, session, rotation.presented, answer)
    else if (answer !== undefined) {
      assert.ok(isInvalidGrant(answer), `a refresh was answered ${answer.status}`)
      noteSessionOver(scene.ledger, session, 'an end that raced with a refresh')
    }
  }
  await Promise.all([refresh(), end()])
}

function takeSuccessor(
  { ledger }: Scene,
  session: HeldSession,
  presented: string,
  answer: Answered,
): void {
  assert.equal(
    answer.status,
    200,
    `session ${session.id} is lost: ${JSON.stringify(answer.members)} for counter ${session.counter}`,
  )
  noteRotation(ledger, session, presented, answer)
}
