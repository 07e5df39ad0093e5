import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Answer } from './http-client.ts'
import { alice, startRunningIdentity } from './running-identity.ts'

const identity = await startRunningIdentity({
  file: { sessionIdleSeconds: 100, sessionSeconds: 250, refreshGraceSeconds: 0 },
})
after(identity.close)

function signIn(): Promise<Answer> {
  const { identifier, password } = alice
  return identity.login({ identifier, password })
}

function refresh(answer: Answer): Promise<Answer> {
  const token = String(answer.members()['refresh_token'])
  return identity.token({ grant_type: 'refresh_token', refresh_token: token })
}

// ASVS 7.3.1.
// RFC 9700 O22.
test('a session that rests for longer than the settings say is over', async () => {
  const signedIn = await signIn()
  assert.equal(signedIn.members()['refresh_expires_in'], 100)
  identity.clock.advanceMs(99_999)
  const refreshed = await refresh(signedIn)
  assert.equal(refreshed.members()['refresh_expires_in'], 100)
  identity.clock.advanceMs(100_000)
  assert.equal((await refresh(refreshed)).members()['error'], 'invalid_grant')
})

// ASVS 7.3.2, 7.6.1, 10.4.8.
test('a session is over at its age, however often it was refreshed, and its tokens with it', async () => {
  let answer = await signIn()
  assert.equal(answer.members()['expires_in'], 250)
  for (const expected of [100, 90, 30]) {
    identity.clock.advanceMs(expected === 100 ? 80_000 : 70_000)
    answer = await refresh(answer)
    assert.equal(answer.status, 200, answer.body)
  }
  assert.equal(answer.members()['refresh_expires_in'], 30)
  assert.equal(answer.members()['expires_in'], 30)
  identity.clock.advanceMs(30_000)
  assert.equal((await refresh(answer)).members()['error'], 'invalid_grant')
})
