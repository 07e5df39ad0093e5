import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { Verifier, VerifierOptions } from '@portcullis/verify'
import { createVerifier, VerifyError } from '@portcullis/verify'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'

/** An issuer whose clock is right, and a verifier with a clock of its own. */
async function start(
  t: TestContext,
  options: Partial<VerifierOptions>,
): Promise<{ readonly issuer: TestIssuer; readonly verifier: Verifier }> {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  const verifier = createVerifier({ issuer: issuer.issuer, audience: 'orders', ...options })
  t.after(async () => {
    await verifier.close()
    await issuer.close()
  })
  return { issuer, verifier }
}

async function refusalOf(verifier: Verifier, token: string): Promise<VerifyError | undefined> {
  return verifier.verify(token).then(
    () => undefined,
    (error: unknown) => {
      assert.ok(error instanceof VerifyError, String(error))
      return error
    },
  )
}

/** Minted too long ago to be young by itself. */
function oldMint(issuer: TestIssuer): string {
  return issuer.mint({ iat: Math.floor(Date.now() / 1000) - 60 })
}

for (const [what, apartMs] of [
  ['behind', -60_000],
  ['ahead of', 60_000],
] as const) {
  test(`a service whose clock is ${what} that of its issuer answers 503 and says why`, async (t) => {
    const { issuer, verifier } = await start(t, { now: () => Date.now() + apartMs })
    await assert.rejects(verifier.ready(), { code: 'clocks-disagree', status: 503 })
    const error = await refusalOf(verifier, oldMint(issuer))
    assert.deepEqual([error?.code, error?.challenge], ['clocks-disagree', undefined])
    assert.match(String(error?.cause), /clock is \d+ ms (ahead|behind)/)
  })
}

for (const [what, isBlind] of [
  ['where no checkpoint comes', true],
  ['where checkpoints come', false],
] as const) {
  test(`a leeway of a minute does not widen the bound of a clock that is behind, ${what}`, async (t) => {
    const { issuer, verifier } = await start(t, {
      now: () => Date.now() - 10_000,
      leewaySeconds: 60,
      fetch: async (url, init) => {
        if (isBlind && url.includes('/revocations/')) throw new TypeError('fetch failed')
        return fetch(url, init)
      },
    })
    await assert.rejects(verifier.ready(), { status: 503 })
    // A token that looks young by this clock may be old: nobody is let in by the time alone.
    for (const token of [issuer.mint(), oldMint(issuer)]) {
      assert.equal((await refusalOf(verifier, token))?.code, 'clocks-disagree')
    }
  })
}

test('a snapshot that drips holds up no request for long', async (t) => {
  const { issuer, verifier } = await start(t, {
    fetch: async (url, init) => {
      if (!url.includes('/revocations/')) return fetch(url, init)
      let timer: NodeJS.Timeout | undefined
      const drip = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
        timer = setInterval(() => controller.enqueue(new Uint8Array(1)), 200)
      }
      return new Response(new ReadableStream({ start: drip, cancel: () => clearInterval(timer) }))
    },
  })
  const startedAt = performance.now()
  assert.equal(await refusalOf(verifier, issuer.mint()), undefined)
  assert.ok(performance.now() - startedAt < 8000, 'it waited for all of it')
})
