import assert from 'node:assert/strict'
import type { RevocationRecord } from '@portcullis/protocol/revocations'
import {
  decodeRecords,
  encodeRecord,
  parseSnapshotManifest,
  snapshotType,
} from '@portcullis/protocol/revocations'
import { createHash } from 'node:crypto'
import { untilItWorks } from '../patience.ts'
import type { Answered, Call } from './door.ts'
import type { HeldSession, Person } from './ledger.ts'
import { noteLogin, noteRotation, noteSessionOver } from './ledger.ts'
import { refreshOnce } from './refreshing.ts'
import type { Scene } from './scene.ts'
import { isInvalidGrant, loginCall, newAttempt, refreshCall } from './scene.ts'
import type { Left, Prospect } from './settling.ts'
import type { KeySet } from './signed.ts'
import { keySetOf, verifiedPayload } from './signed.ts'
import type { StoreView } from './store-view.ts'

/** Of those that an earlier identity has refused already; the files of all are compared every time. */
const oldEndInOneOf = 20

/**
 * Asks an identity that has just come up again about everything that was acknowledged before; about
 * sessions whose end was proven after an earlier kill only now and then, unless it is thorough.
 */
export async function probe(
  scene: Scene,
  { view, settled }: Left,
  isThorough: boolean,
): Promise<void> {
  await probeSnapshot(scene, view)
  await probeTokens(scene)
  await Promise.all(
    scene.ledger.people.map(async (person) => {
      await probePassword(scene, person)
      for (const session of person.sessions) {
        const prospect = settled.prospects.get(session)
        const isDue = isThorough || !session.isProvenOver || scene.chance.oneIn(oldEndInOneOf)
        if (prospect !== undefined && isDue) await probeSession(scene, person, session, prospect)
      }
    }),
  )
}

export async function readFeedKeys(scene: Scene): Promise<KeySet> {
  return keySetOf(await read(scene, '/.well-known/revocation-keys.json'))
}

/** The epoch that goes on, and the records in force, by a signed manifest that names the live keys. */
export async function readSnapshot(scene: Scene): Promise<{
  readonly epoch: string
  readonly at: number
  readonly records: readonly RevocationRecord[]
}> {
  const { body, status } = await read(scene, '/revocations/snapshot')
  assert.equal(status, 200)
  const end = body.indexOf('\n')
  const keys = await readFeedKeys(scene)
  const payload = verifiedPayload(body.subarray(0, end).toString('utf8'), keys, snapshotType)
  const manifest = parseSnapshotManifest(payload)
  assert.ok(manifest)
  const bytes = body.subarray(end + 1)
  assert.equal(createHash('sha256').update(bytes).digest('base64url'), manifest.sha256)
  const records = decodeRecords(bytes)
  assert.ok(records)
  // Of two nodes the one hears of the other's keys within a second.
  await untilItWorks(async () => {
    const published = keySetOf(await read(scene, '/.well-known/jwks.json'))
    assert.deepEqual(manifest.kids.toSorted(), [...published.keys()].toSorted())
  })
  return { epoch: manifest.epoch, at: manifest.at, records }
}

async function probeSnapshot(scene: Scene, { head, records }: StoreView): Promise<void> {
  // A node that has lived on gives out one of the second before, what it lacks being on the stream.
  const snapshot = await untilItWorks(async () => {
    const given = await readSnapshot(scene)
    assert.ok(given.at >= head.at)
    return given
  })
  assert.equal(snapshot.epoch, head.epoch, 'a new epoch began, and nothing was lost')
  const inForce = records.filter(({ until = Infinity }) => until > snapshot.at)
  assert.deepEqual(snapshot.records.map(encodeRecord), inForce.map(encodeRecord))
}

/** Each token that was signed before the kill verifies with the keys that are published after it. */
async function probeTokens(scene: Scene): Promise<void> {
  const keys = keySetOf(await read(scene, '/.well-known/jwks.json'))
  for (const token of scene.ledger.freshTokens.splice(0)) verifiedPayload(token, keys, 'at+jwt')
}

async function probePassword(scene: Scene, person: Person): Promise<void> {
  const { formerPassword, isBlocked } = person
  if (isBlocked) {
    const refused = await answerTo(scene, loginCall(scene.issuer, person))
    assert.equal(refused.status, 403, `${person.identifier} is blocked`)
  } else if (formerPassword !== undefined) {
    const former = { ...person, password: formerPassword }
    const refused = await answerTo(scene, loginCall(scene.issuer, former))
    assert.equal(refused.status, 401, `${person.identifier} has another password`)
    const accepted = await answerTo(scene, loginCall(scene.issuer, person))
    assert.equal(accepted.status, 200, `${person.identifier}: the password is lost`)
    noteLogin(scene.ledger, person, accepted)
    person.formerPassword = undefined
  }
}

async function probeSession(
  scene: Scene,
  person: Person,
  session: HeldSession,
  prospect: Prospect,
): Promise<void> {
  switch (prospect.kind) {
    case 'is-over':
      return assertOver(scene, session)
    case 'is-theft':
      await assertOver(scene, session)
      return noteSessionOver(scene.ledger, session, 'theft')
    case 'converges': {
      await assertAdmitted(scene, session)
      const { presented } = prospect.rotation
      const answer = await answerTo(scene, refreshCall(scene.issuer, prospect.rotation))
      assert.equal(answer.status, 200, `the retry of session ${session.id} was refused`)
      noteRotation(scene.ledger, session, presented, answer)
      break
    }
    case 'goes-on':
      await (session.isAccessOver ? assertTakenBack : assertAdmitted)(scene, session)
  }
  await refreshOnce(scene, person, session, newAttempt())
  await assertAdmitted(scene, session)
}

/** Neither of its newest tokens is good for anything. */
export async function assertOver(scene: Scene, session: HeldSession): Promise<void> {
  const what = `session ${session.id}, ended by ${session.overBy ?? 'a lost successor'}`
  const presented = { presented: session.refresh, attempt: undefined }
  const refused = await answerTo(scene, refreshCall(scene.issuer, presented))
  assert.ok(isInvalidGrant(refused), `${what}: a refresh is answered ${refused.status}`)
  const { status } = await read(scene, '/sessions', session.access)
  assert.equal(status, 401, `${what}: its access token is taken`)
  session.isProvenOver = true
}

async function assertTakenBack(scene: Scene, session: HeldSession): Promise<void> {
  const { status } = await read(scene, '/sessions', session.access)
  assert.equal(status, 401, `session ${session.id}: the password changed, and its token is taken`)
}

export async function assertAdmitted(scene: Scene, session: HeldSession): Promise<void> {
  const { status, members } = await read(scene, '/sessions', session.access)
  assert.equal(status, 200, `session ${session.id}: its access token is refused`)
  const listed = members['sessions'] as readonly { readonly id: string }[]
  assert.ok(listed.some(({ id }) => id === session.id))
}

function read(scene: Scene, path: string, bearer?: string): Promise<Answered> {
  const call: Call = { name: 'read', method: 'GET', path }
  return answerTo(scene, bearer === undefined ? call : { ...call, bearer })
}

async function answerTo({ door }: Scene, call: Call): Promise<Answered> {
  const answer = await door.call(call)
  assert.equal(answer.kind, 'answered')
  return answer
}
