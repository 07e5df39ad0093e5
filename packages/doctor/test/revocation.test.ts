import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AttackRequest } from '../src/attacks/attack.ts'
import type { Sender } from '../src/endpoint/sender.ts'
import { measureRevocation } from '../src/endpoint/revocation.ts'

/** Has so many requests; every answer comes at once. */
function sender(requests: number, statusOf: () => number): Sender {
  let left = requests
  return {
    send: async () => {
      left -= 1
      return { kind: 'answer', status: statusOf(), headers: [], body: '', ms: 0 }
    },
    sent: () => requests - left,
    left: () => left,
    close: () => undefined,
  }
}

const isPassed = ({ status }: { readonly status: number }): boolean => status === 200
const request = {} as AttackRequest
const nothing = async (): Promise<void> => undefined

test('a service that goes on accepting is found out also where few requests are left', async () => {
  const asked = sender(30, () => 200)
  const taken = { request, revoke: nothing, isPromised: true }
  const outcome = await measureRevocation(taken, { sender: asked, isPassed, secondsMax: 1 })
  assert.equal(outcome.kind, 'accepted')
  assert.ok(asked.sent() > 5)
})

test('a service that refuses is asked no more', async () => {
  let status = 200
  const asked = sender(1000, () => status)
  const revoke = async (): Promise<void> => {
    status = 401
  }
  const taken = { request, revoke, isPromised: true }
  const outcome = await measureRevocation(taken, { sender: asked, isPassed, secondsMax: 1 })
  assert.equal(outcome.kind, 'refused')
  assert.equal(asked.sent(), 2)
})
