import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { VerifierOptions } from '@portcullis/verify'
import { createProofJudge } from '@portcullis/verify/dpop'
import { createProofKey } from '@portcullis/verify/testing'
import type { Adapter } from './adapter-servers.ts'
import { adapters } from './adapter-servers.ts'
import type { AdapterWorld, Answer } from './adapter-world.ts'
import { assertSaysNothingOf, exchange, startWorld } from './adapter-world.ts'
import type { Clock } from './clock.ts'

const metadataUrl = 'https://orders.example/.well-known/oauth-protected-resource'

assert.ok(adapters.length >= 6, 'adapters are missing')
for (const adapter of adapters) {
  describe(`the ${adapter.name} adapter`, () => {
    takesProofs(adapter)
    keepsGuardsApart(adapter)
  })
}

interface Client {
  /** As of a client of DPoP, with a proof for that path, or for another one. */
  readonly send: (path: string, nonce: string, provenPath?: string) => Promise<Answer>
}

function createClient({ issuer, clock, url, ask }: AdapterWorld, { endpoint }: Adapter): Client {
  const key = createProofKey({ now: clock.now })
  const accessToken = issuer.mint({
    auth_time: undefined,
    scope: 'x',
    cnf: { jkt: key.thumbprint },
  })
  return {
    send: async (path, nonce, provenPath = endpoint ?? path) => {
      const target = `${url}${provenPath}`
      const proof = key.prove({ method: 'GET', url: target, accessToken, nonce })
      const lines = ['Authorization', `DPoP ${accessToken}`, 'DPoP', proof]
      const answer = await ask(`${path}?page=2`, lines)
      assertSaysNothingOf(accessToken, answer)
      return answer
    },
  }
}

function takingProofs({ now }: Clock): Partial<VerifierOptions> {
  return { dpop: createProofJudge({ nonce: 'required', now }) }
}

function takesProofs(adapter: Adapter): void {
  test('a proof counts for the URL that was asked for, and for no other', async (t) => {
    const world = await startWorld(t, adapter, {}, takingProofs)
    const { send } = createClient(world, adapter)
    const asked = await send('/', 'none yet')
    assert.deepEqual([asked.status, asked.code], [401, 'use-dpop-nonce'])
    const nonce = String(asked.headers['dpop-nonce'])
    const answer = await send('/', nonce)
    assert.deepEqual([answer.status, answer.body], [200, 'let in'])
    assert.equal(answer.headers['dpop-nonce'], undefined, 'the nonce is the current one')
    for (const elsewhere of ['/elsewhere', '//', '/%2F']) {
      assert.equal((await send('/', nonce, elsewhere)).code, 'invalid-dpop-proof', elsewhere)
    }
  })

  test('the next nonce goes out with whatever is answered', async (t) => {
    const world = await startWorld(t, adapter, {}, takingProofs)
    const { send } = createClient(world, adapter)
    const nonce = String((await send('/', 'none yet')).headers['dpop-nonce'])
    world.clock.advanceSeconds(60)
    const next = (await send('/', nonce)).headers['dpop-nonce']
    assert.match(String(next), /^[\w-]{43}$/)
    assert.notEqual(next, nonce)
    const refused = await send('/scope', nonce)
    assert.deepEqual([refused.status, refused.headers['dpop-nonce']], [403, next])
    assert.equal((await send('/', String(next))).body, 'let in')
  })

  test('whoever came with a proof is told under DPoP what the token lacks', async (t) => {
    const options = { resourceMetadata: metadataUrl }
    const world = await startWorld(t, adapter, options, takingProofs)
    const { send } = createClient(world, adapter)
    const nonce = String((await send('/', 'none yet')).headers['dpop-nonce'])
    for (const path of ['/scope', '/role', '/recent']) {
      const { challenge = '' } = await send(path, nonce)
      assert.match(challenge, /^DPoP realm="orders", error="insufficient_/, path)
      assert.match(challenge, /, resource_metadata="https:[^"]*", algs="RS256 /, path)
    }
  })
}

function keepsGuardsApart(adapter: Adapter): void {
  test('a token that is remembered is refused by each guard in its own words', async (t) => {
    const { issuer, verifier } = await startWorld(t, adapter)
    const other = 'https://reviews.example/.well-known/oauth-protected-resource'
    const guards: [string, string | undefined][] = []
    for (const resourceMetadata of [metadataUrl, undefined, other]) {
      const options = resourceMetadata === undefined ? {} : { resourceMetadata }
      const { url, close } = await adapter.serve(verifier, options)
      t.after(close)
      guards.push([url, resourceMetadata])
    }
    const lines = ['Authorization', `Bearer ${issuer.mint()}`]
    for (let times = 0; times < 3; times += 1) {
      for (const [url, told] of guards) {
        const { status, challenge = '' } = await exchange(`${url}/role`, lines)
        assert.equal(status, 403)
        assert.equal(/resource_metadata="([^"]*)"/.exec(challenge)?.[1], told)
      }
    }
  })
}
