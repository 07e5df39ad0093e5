import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { Question } from './http-door.ts'
import { askNode, questionOf } from './http-door.ts'
import type { Reply } from './ledger.ts'
import type { Nodes } from './nodes.ts'

/** Somebody who is never in a history himself. */
export interface Administrator {
  readonly token: () => string
  /** Signs in again when the token will soon be too old for a whole history. */
  readonly stayKnown: () => Promise<void>
  /** Resolves when every node answers. */
  readonly untilAnswered: () => Promise<void>
  readonly rotateKeys: () => Promise<void>
}

const patienceMs = 20_000
const retryMs = 20
const freshMs = 300_000
/** Nodes hear of each other's keys once a second, however quickly the chosen clock goes. */
const keysHeardMs = 2500

export function createAdministrator({ ports, administrator, password, now }: Nodes): Administrator {
  const { identifier, id: accountId } = administrator
  let access = ''
  let signedInAtMs = -Infinity
  let signedIn: Promise<void> | undefined
  let rotatedAtMs = -Infinity
  const asker = { accountId, identifier, administratorToken: () => access }
  const login = questionOf({ kind: 'login', password }, asker)
  const [port = assert.fail('there is no node')] = ports
  const signIn = async (): Promise<void> => {
    const reply = await untilDone(port, login)
    access = (reply.kind === 'done' ? reply.tokens?.access : undefined) ?? assert.fail()
  }
  return {
    token: () => access,
    // Histories side by side share this one: each waits until the sign-in of any of them is over.
    stayKnown: async () => {
      if (now() - signedInAtMs >= freshMs) {
        signedInAtMs = now()
        signedIn = signIn()
      }
      await signedIn
    },
    untilAnswered: async () => {
      const path = '/sessions'
      for (const one of ports) {
        await untilDone(one, { method: 'GET', path, bearer: access, refusals: [401] })
      }
    },
    rotateKeys: async () => {
      if (performance.now() - rotatedAtMs < keysHeardMs) return
      rotatedAtMs = performance.now()
      const path = '/admin/keys/rotate'
      await askNode(port, { method: 'POST', path, bearer: access, refusals: [409] })
    },
  }
}

async function untilDone(port: number, question: Question): Promise<Reply> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const reply = await askNode(port, question)
    assert.notEqual(reply.kind, 'refused', 'the administrator was refused')
    if (reply.kind === 'done') return reply
    assert.ok(performance.now() < deadline, 'a node does not come back')
    await pause(retryMs)
  }
}
