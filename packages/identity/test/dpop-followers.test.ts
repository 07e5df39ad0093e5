import assert from 'node:assert/strict'
import type { Callers, FeedReader } from '../src/http/callers.ts'
import { createCallers } from '../src/http/callers.ts'
import { boundPort, createHttpServer } from '../src/http/server.ts'
import { createOwnProofJudge } from '../src/own-proof-judge.ts'
import { createOwnVerifier } from '../src/own-verifier.ts'
import { createUsedProofs } from '../src/store/used-proofs.ts'
import { createProofKey } from '@portcullis/verify/testing'
import { createChosenClock } from './chosen-clock.ts'
import { testOnEngines } from './engines.ts'
import { ask } from './http-client.ts'
import { open, openStore } from './opened-keyring.ts'
import { createLogInMemory } from './running-identity.ts'

const issuer = 'https://id.example'

testOnEngines(
  'a stream is looked at again by its token and its client, and the proof that it began with is not asked for twice',
  async (t, engine) => {
    const clock = createChosenClock()
    const database = await openStore(t, await engine.createStore(t), clock.now)
    const keyring = await open(database)
    const usedProofs = createUsedProofs(database)
    const sealingKey = Buffer.alloc(32)
    const { now } = clock
    const proofJudge = createOwnProofJudge({ usedProofs, dpopNonce: 'off', sealingKey, now })
    let generation = 0
    const client = { id: 'follower', name: 'follower', isPublic: false, grants: [], audiences: [] }
    const callers: Callers = createCallers({
      issuer,
      proofJudge,
      ...createOwnVerifier({ issuer, keyring, now, proofJudge, sharedSecrets: undefined }),
      sessions: { find: () => assert.fail('a machine has no session') },
      clients: {
        find: async () => ({
          ...client,
          readAt: now(),
          vouchedAt: now(),
          secretHash: undefined,
          formerSecretHash: undefined,
          keys: [],
          scopes: [],
          generation,
        }),
      },
    })
    let reader: FeedReader | undefined
    const app = createHttpServer(createLogInMemory().log, { issuer })
    t.after(() => app.close())
    app.get('/feed', async (request) => {
      reader = await callers.requireFeedReader(request)
      return {}
    })
    await app.listen({ host: '127.0.0.1', port: 0 })

    const key = createProofKey({ now })
    const iat = Math.floor(now() / 1000)
    const times = { iat, exp: iat + 900 }
    const cnf = { jkt: key.thumbprint }
    const claims = { iss: issuer, aud: issuer, sub: 'follower', client_id: 'follower', jti: 'one' }
    const accessToken = await keyring.sign(
      { ...claims, ...times, cnf, cgen: 0, scope: 'revocations.read' },
      'ES256',
    )
    const dpop = key.prove({ method: 'GET', url: `${issuer}/feed`, accessToken })
    const headers = { authorization: `DPoP ${accessToken}`, dpop }
    assert.equal((await ask(boundPort(app), { path: '/feed', headers })).status, 200)
    assert.ok(reader !== undefined)
    const { requireStill } = reader
    assert.equal((await ask(boundPort(app), { path: '/feed', headers })).status, 401)

    clock.advanceMs(120_000)
    for (let look = 0; look < 2; look += 1) await requireStill()
    generation = 1
    await assert.rejects(requireStill(), /the client of the token was stopped/)
    generation = 0
    await requireStill()
    clock.advanceMs(900_000)
    await assert.rejects(requireStill(), /the token has expired/)
  },
)
