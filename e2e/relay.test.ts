import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { createVerifier, VerifyError } from '@portcullis/verify'
import { freePort } from '../tools/free-port.ts'
import { startLoneIssuer } from './lone-issuer.ts'
import { newFolder, postJson, removeFolder, runPortcullis } from './running-system.ts'
import { untilAnswered } from './until-answered.ts'

test('a logout at identity reaches a service through a relay, and past one that is gone', async (t) => {
  const identity = await startLoneIssuer()
  const { issuer } = identity
  const folder = newFolder()
  const [port, operations] = [await freePort(), await freePort()]
  const config = join(folder, 'portcullis.relay.json')
  writeFileSync(
    config,
    JSON.stringify({
      listen: { port },
      operations: { port: operations },
      issuer,
    }),
  )
  const run = runPortcullis(['relay', '--config', config], { folder })
  const verifier = createVerifier({
    issuer,
    audience: 'orders',
    revocation: { relay: `http://127.0.0.1:${port}` },
  })
  const sourceOf = (): string | undefined => {
    const health = verifier.revocation()
    return health.followed ? health.source : undefined
  }
  const fateOf = (token: string): Promise<string> =>
    verifier.verify(token).then(
      () => 'accepted',
      (error: unknown) => (error instanceof VerifyError ? String(error.reason) : String(error)),
    )
  const revokedAfterMs = async (): Promise<number> => {
    const { access } = await identity.signIn()
    assert.equal(await fateOf(access), 'accepted')
    await postJson(`${issuer}/logout`, {}, { authorization: `Bearer ${access}` })
    const startedAt = performance.now()
    while ((await fateOf(access)) !== 'revoked') {
      assert.ok(performance.now() - startedAt < 5_000, 'it is never refused')
      await setTimeout(2)
    }
    return performance.now() - startedAt
  }
  try {
    await untilAnswered(`http://127.0.0.1:${operations}/health/ready`)
    await verifier.ready()
    t.diagnostic(`refused ${(await revokedAfterMs()).toFixed(1)} ms after the answer to the logout`)
    assert.equal(sourceOf(), 'relay')
    run.child.kill('SIGKILL')
    await run.ended
    await revokedAfterMs()
    assert.equal(sourceOf(), 'issuer')
    const again = runPortcullis(['relay', '--config', config], { folder })
    await untilAnswered(`http://127.0.0.1:${operations}/health/ready`)
    const startedAt = performance.now()
    while (sourceOf() !== 'relay') {
      assert.ok(performance.now() - startedAt < 30_000, 'it never comes back')
      await setTimeout(100)
    }
    await revokedAfterMs()
    again.child.kill('SIGTERM')
    assert.equal(await again.ended, 0)
  } finally {
    run.child.kill('SIGKILL')
    await verifier.close()
    await identity.stop()
    removeFolder(folder)
  }
})
