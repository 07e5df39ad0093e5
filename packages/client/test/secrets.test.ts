import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { test } from 'node:test'
import type { Client } from '@portcullis/client'
import { ClientError } from '@portcullis/client'
import { alice, startRunningIssuer } from './running-issuer.ts'
import { clientOf, createSlowStore } from './signing-in.ts'
import type { Seen } from './wire.ts'

const newPassword = 'the new password of alice'

const calls: readonly (readonly [string, (client: Client) => Promise<unknown>])[] = [
  ['login', (client) => client.login(alice)],
  ['refresh', (client) => client.refresh()],
  ['sessions', (client) => client.sessions()],
  ['endSession', (client) => client.endSession('other')],
  [
    'changePassword',
    (client) => client.changePassword({ current: alice.password, new: newPassword }),
  ],
  ['logout', (client) => client.logout()],
]

/** Repeats all that it was sent wherever a message could be taken from. */
function echo(status: number, seen: Seen): { readonly status: number; readonly body: object } {
  const text = `${seen.body} ${JSON.stringify(seen.headers)} ${alice.password}`
  const form = [...new URLSearchParams(seen.body).values()].join(' ')
  // Half of it is cut off, as a log or a limit would do it.
  const told = `${form} ${text}`.slice(0, status === 400 ? 490 : 60)
  const members = { title: told, detail: told, error_description: told, error: told, code: told }
  return { status, body: members }
}

test('no error repeats a password or a token, whatever the issuer answers', async (t) => {
  const running = await startRunningIssuer(t)
  const store = createSlowStore()
  const plain = clientOf(running, { store })
  let errors = 0
  for (const [name, call] of calls) {
    for (const status of [200, 400, 401, 403, 429, 500]) {
      running.wire.decide(() => 'through')
      await plain.login(alice)
      running.wire.decide((seen) => {
        const isForIssuer = new URLSearchParams(seen.body).has('audience')
        return isForIssuer ? 'through' : echo(status, seen)
      })
      const kept = store.kept()
      const error: unknown = await call(plain).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      if (name !== 'endSession' || status !== 200) {
        assert.ok(error instanceof ClientError, `${name} ${status}`)
        errors += 1
      }
      const told = inspect(error, { depth: 10 })
      const now = store.kept()
      const secrets = [
        alice.password,
        newPassword,
        ...[kept, now].flatMap((one) => [
          one?.refreshToken,
          one?.accessToken.token,
          one?.issuerToken?.token,
          one?.attempt,
        ]),
      ].filter((secret) => secret !== undefined)
      assert.ok(secrets.length >= 3)
      for (const secret of secrets) assert.ok(!told.includes(secret), `${name} ${status}: ${told}`)
    }
  }
  assert.equal(errors, calls.length * 6 - 1)
})
