import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { AccessTokenClaims } from '@portcullis/protocol'
import { callerOf, findCaller } from '../src/domain/callers.ts'
import type { Client } from '../src/domain/clients.ts'
import type { IssuedToken } from '../src/domain/issued-tokens.ts'
import type { TokenExchangeOutcome, TokenExchangeParts } from '../src/domain/token-exchange.ts'
import { exchangeToken } from '../src/domain/token-exchange.ts'
import { revokeToken } from '../src/domain/token-revocation.ts'
import { createProofJudge } from '@portcullis/verify/dpop'
import { createOwnVerifier } from '../src/own-verifier.ts'
import { insertMissingClients } from '../src/store/clients.ts'
import { createRevokedTokens } from '../src/store/revoked-tokens.ts'
import { startMs } from './chosen-clock.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import { firstBase } from './first-base.ts'
import { claims as signedClaims, openNode } from './opened-keyring.ts'
import type { OpenedSessionFacts, StoreParts } from './store-parts.ts'
import { accountOf, claimsOf, commandLine, loginWith, openPartsAt } from './store-parts.ts'

/** A store with somebody who is signed in, and two services, of which tokens are their claims. */
interface World extends StoreParts {
  readonly person: OpenedSessionFacts
  readonly service: Client
  /** `meanwhile` happens when the subject token was verified, and the store not yet asked about it. */
  readonly exchange: (
    claims: AccessTokenClaims,
    meanwhile?: () => Promise<unknown>,
  ) => Promise<TokenExchangeOutcome>
}

const revocable = (text: string): Promise<IssuedToken> =>
  Promise.resolve({ claims: claimsOf(text), kid: 'kid' })

async function open(t: TestContext, engine: Engine): Promise<World> {
  const store = await openPartsAt(await engine.createStore(t), () => startMs)
  t.after(store.database.close)
  const { parts, database } = store
  const service = {
    id: 'service'.padEnd(22, 'A'),
    name: 'service',
    isPublic: false,
    grants: ['token_exchange'],
    audiences: ['orders', 'reviews'],
    scopes: [],
  } as const
  await insertMissingClients(database, [service])
  const client = await parts.clients.find('service')
  assert.ok(client !== undefined)
  return {
    ...store,
    person: await loginWith(parts),
    service: client,
    exchange: (claims, meanwhile) => {
      const exchangeParts: TokenExchangeParts = {
        ...parts,
        readIssuedToken: async (text) => {
          await meanwhile?.()
          return revocable(text)
        },
      }
      const subjectToken = JSON.stringify(claims)
      return exchangeToken(exchangeParts, { client, subjectToken, audiences: ['orders'] })
    },
  }
}

function refusalOf(outcome: TokenExchangeOutcome): string {
  return outcome.kind === 'refused' ? outcome.why : outcome.kind
}

testOnEngines(
  'whatever ends between the check of the signature and the minting is seen',
  async (t, engine) => {
    const world = await open(t, engine)
    const { parts, log, exchange } = world
    const revokedTokens = createRevokedTokens(log.transaction)
    const { id: accountId } = await accountOf(world)
    const web = await parts.clients.find('web')
    assert.ok(web !== undefined)
    const endings: readonly ((of: OpenedSessionFacts) => Promise<unknown>)[] = [
      ({ sessionId }) => parts.sessions.end(sessionId),
      ({ claims }) =>
        revokeToken(
          { ...parts, revokedTokens, readIssuedToken: revocable },
          web,
          JSON.stringify(claims),
        ),
      () =>
        log.transaction((query) =>
          query('UPDATE clients SET generation = 1 WHERE id = $1', [web.id]),
        ),
      () => parts.accounts.block({ accountId, actor: commandLine, reason: 'because' }),
    ]
    for (const end of endings) {
      const of = await loginWith(parts)
      assert.equal(refusalOf(await exchange(of.claims)), 'exchanged')
      assert.equal(refusalOf(await exchange(of.claims, () => end(of))), 'bad-subject-token')
      assert.equal(refusalOf(await exchange(of.claims)), 'bad-subject-token')
    }
  },
)

// Protocol, section 2: every mint reads first and takes `iat` from before.
testOnEngines(
  'what ends right after the reading takes the minted token along, by its own names',
  async (t, engine) => {
    const { parts, person, exchange, service } = await open(t, engine)
    const outcome = await exchange(person.claims)
    assert.ok(outcome.kind === 'exchanged')
    const minted = claimsOf(outcome.token.accessToken)
    assert.equal(minted.iat, Math.floor(startMs / 1000))
    assert.deepEqual(
      [minted.sid, minted.gen, minted.cgen],
      [person.sessionId, firstBase, firstBase],
    )
    assert.deepEqual(minted.act, { sub: service.id, cgen: firstBase })
    assert.ok((await findCaller(parts.sessions, minted)) !== undefined)
    await parts.sessions.end(person.sessionId)
    assert.equal(await findCaller(parts.sessions, minted), undefined)
  },
)

// RFC 9449: out of an exchange it would come without the key that it is worthless without.
testOnEngines(
  'a token that is bound to a key does not become one that is not',
  async (t, engine) => {
    const { person, exchange } = await open(t, engine)
    const bound = { ...person.claims, cnf: { jkt: 'A'.repeat(43) } }
    assert.equal(refusalOf(await exchange(bound)), 'bad-subject-token')
    assert.equal(refusalOf(await exchange(person.claims)), 'exchanged')
  },
)

testOnEngines(
  'a decision that is written after its token was revoked changes nothing',
  async (t, engine) => {
    const { parts, log, person } = await open(t, engine)
    const caller = await findCaller(parts.sessions, person.claims)
    assert.ok(caller !== undefined)
    const other = await loginWith(parts)
    const another = await loginWith(parts)
    const first = await parts.sessions.endOwn(callerOf(caller), other.sessionId)
    assert.equal(first.kind, 'ended')
    const web = await parts.clients.find('web')
    assert.ok(web !== undefined)
    const revocation = {
      ...parts,
      revokedTokens: createRevokedTokens(log.transaction),
      readIssuedToken: revocable,
    }
    const outcome = await revokeToken(revocation, web, JSON.stringify(person.claims))
    assert.equal(outcome.kind, 'revoked')
    // It was authenticated before that, and writes now.
    const late = await parts.sessions.endOwn(callerOf(caller), another.sessionId)
    assert.equal(late.kind, 'superseded')
    assert.ok((await findCaller(parts.sessions, another.claims)) !== undefined)
  },
)

testOnEngines(
  'identity reads a token of its own also when it is bound to a key, and nothing else',
  async (t, engine) => {
    const { keyring, clock } = await openNode(t, engine)
    const issuer = signedClaims.iss
    const { now } = clock
    const proofJudge = createProofJudge({ now })
    const { readIssuedToken } = createOwnVerifier({
      issuer,
      keyring,
      now,
      proofJudge,
      sharedSecrets: undefined,
    })
    const iat = Math.floor(startMs / 1000)
    const fresh = { ...signedClaims, iat, exp: iat + 900 }
    const bound = { ...fresh, cnf: { jkt: 'A'.repeat(43) } }
    for (const claims of [fresh, bound]) {
      const token = await keyring.sign(claims, 'ES256')
      assert.deepEqual((await readIssuedToken(token))?.claims, claims)
      assert.equal(await readIssuedToken(`${token.slice(0, -8)}AAAAAAAA`), undefined)
    }
    for (const foreign of [
      { ...bound, iss: 'https://other.example' },
      { ...bound, exp: iat - 6, iat: iat - 906 },
    ]) {
      assert.equal(await readIssuedToken(await keyring.sign(foreign, 'ES256')), undefined)
    }
    assert.equal(await readIssuedToken('nonsense'), undefined)
  },
)
