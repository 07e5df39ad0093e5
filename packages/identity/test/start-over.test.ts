import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Verifier } from '@portcullis/verify'
import { createVerifier, VerifyError } from '@portcullis/verify'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import { admin, call, signIn, signInHere } from './signed-in.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

/** Plain http on loopback: everybody may read the feed. */
const issuer = 'http://127.0.0.1:4000'

async function fateOf(verifier: Verifier, token: string): Promise<string> {
  try {
    await verifier.verify(token)
    return 'accepted'
  } catch (error) {
    assert.ok(error instanceof VerifyError, String(error))
    return error.reason ?? error.code
  }
}

async function waitForFate(verifier: Verifier, token: string, wanted: string): Promise<void> {
  const deadline = performance.now() + 15_000
  let last = await fateOf(verifier, token)
  while (last !== wanted && performance.now() < deadline) {
    await pause(50)
    last = await fateOf(verifier, token)
  }
  assert.equal(last, wanted)
}

async function endAll(identity: RunningIdentity): Promise<void> {
  const { access: token } = await signInHere(identity, admin)
  const body = { issuer, reason: 'a try' }
  const answer = await call(identity, 'POST /admin/sessions/end-all', { token, body })
  assert.equal(answer.status, 200, answer.body)
}

test('services that knew a store in which everybody was signed out accept the tokens of the one after it', async (t) => {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  const first = await startRunningIdentity({ file: { issuer }, accounts: [alice, admin] })
  let current = first
  t.after(() => current.close())
  const startService = (): Verifier => {
    const verifier = createVerifier({
      issuer,
      audience: 'orders',
      now: first.clock.now,
      fetch: (url, init) => fetch(url.replace(issuer, `http://127.0.0.1:${current.port}`), init),
      revocation: { stateFile: join(folder.path, 'state') },
      onWarning: () => undefined,
    })
    t.after(() => verifier.close())
    return verifier
  }
  const livesOn = startService()
  await livesOn.ready()
  const { access: old } = await signIn(first)
  await waitForFate(livesOn, old, 'accepted')
  await endAll(first)
  await waitForFate(livesOn, old, 'revoked')

  await first.close()
  first.clock.advanceMs(20_000)
  // With accounts, sessions and a log of its own, and nothing of the one before.
  current = await startRunningIdentity({ file: { issuer }, clock: first.clock })
  const { access: fresh } = await signIn(current)
  await waitForFate(livesOn, fresh, 'accepted')
  assert.notEqual(await fateOf(livesOn, old), 'accepted')

  await livesOn.close()
  const startsAgain = startService()
  await startsAgain.ready()
  await waitForFate(startsAgain, fresh, 'accepted')
  assert.notEqual(await fateOf(startsAgain, old), 'accepted')
})
