import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { grantClientCredentials } from '../src/domain/client-credentials.ts'
import { authenticateClient } from '../src/domain/client-authentication.ts'
import type { ClientAdministration } from '../src/domain/client-administration.ts'
import { createClient, rotateClientSecret } from '../src/domain/client-administration.ts'
import type { Client } from '../src/domain/clients.ts'
import { createClientAdministration } from '../src/store/client-administration.ts'
import { createUsedProofs } from '../src/store/used-proofs.ts'
import { createChosenClock } from './chosen-clock.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { StoreParts } from './store-parts.ts'
import { claimsOf, commandLine, openPartsAt } from './store-parts.ts'

/** One of several nodes over the same store. */
interface Node extends StoreParts {
  readonly administration: ClientAdministration
  readonly authenticate: (clientId: string, clientSecret: string) => Promise<Client | undefined>
}

const clock = createChosenClock()
const reason = 'a test'

async function openNodes(t: TestContext, engine: Engine): Promise<readonly [Node, Node]> {
  const url = await engine.createStore(t)
  const open = async (): Promise<Node> => {
    const store = await openPartsAt(url, clock.now)
    t.after(store.database.close)
    const usedProofs = createUsedProofs(store.database)
    const parts = { ...store.parts, usedProofs, now: clock.now }
    return {
      ...store,
      administration: createClientAdministration(store.database, store.log.transaction),
      authenticate: (clientId, clientSecret) =>
        authenticateClient(parts, { clientId, clientSecret }),
    }
  }
  return [await open(), await open()]
}

async function make(
  { parts, administration }: Node,
  name = 'billing',
): Promise<{ readonly id: string; readonly secret: string }> {
  const outcome = await createClient(
    { ...parts, clientAdministration: administration },
    {
      name,
      isPublic: false,
      grants: ['client_credentials'],
      audiences: ['orders'],
      scopes: [],
      keys: undefined,
      actor: commandLine,
      reason,
    },
  )
  assert.ok(outcome.kind === 'created')
  return { id: outcome.id, secret: outcome.secret ?? '' }
}

testOnEngines('of two who exchange a secret at once, at two nodes, one does', async (t, engine) => {
  const nodes = await openNodes(t, engine)
  const [first] = nodes
  for (let round = 0; round < 5; round += 1) {
    const { id, secret } = await make(first, `billing-${round}`)
    const decision = { clientId: id, actor: commandLine, reason }
    const outcomes = await Promise.all(
      [...nodes, ...nodes].map(({ parts, administration }) =>
        rotateClientSecret({ ...parts, clientAdministration: administration }, decision, 60),
      ),
    )
    const kinds = outcomes.map(({ kind }) => kind)
    assert.deepEqual(kinds.toSorted(), ['rotated', 'too-early', 'too-early', 'too-early'])
    const rotated = outcomes.find((outcome) => outcome.kind === 'rotated')
    const next = rotated?.kind === 'rotated' ? rotated.secret : ''
    for (const { authenticate } of nodes) {
      for (const good of [secret, next]) assert.equal((await authenticate(id, good))?.id, id)
      assert.equal(await authenticate(id, 'another'), undefined)
    }
  }
})

testOnEngines('of two clients that are made with one name at once, one is', async (t, engine) => {
  const nodes = await openNodes(t, engine)
  const outcomes = await Promise.allSettled([...nodes, ...nodes].map((node) => make(node)))
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
})

testOnEngines(
  'a mint that read its client before it was stopped makes a token which the record refuses',
  async (t, engine) => {
    const [node, other] = await openNodes(t, engine)
    const stops = ['disable', 'delete', 'revokeTokens'] as const
    for (const stop of stops) {
      const { id, secret } = await make(node, `for-${stop}`)
      const client = await node.authenticate(id, secret)
      assert.ok(client !== undefined)
      const outcome = await other.administration[stop]({ clientId: id, actor: commandLine, reason })
      assert.equal(outcome.kind, 'done')
      const minted = await grantClientCredentials(node.parts, { client })
      assert.ok(minted.kind === 'minted')
      const { records } = await node.log.since(0)
      const { cgen = Infinity } = claimsOf(minted.accessToken)
      assert.ok(cgen < (records.at(-1)?.floor ?? 0), stop)
      const after = await node.authenticate(id, secret)
      assert.equal(after?.generation, stop === 'revokeTokens' ? cgen + 1 : undefined)
    }
  },
)

testOnEngines(
  'while a client is stopped and started at once, no token outlives the last record',
  async (t, engine) => {
    const [node, other] = await openNodes(t, engine)
    const { id, secret } = await make(node)
    const decision = { clientId: id, actor: commandLine, reason }
    for (let round = 0; round < 5; round += 1) {
      const [client] = await Promise.all([
        node.authenticate(id, secret),
        other.administration.disable(decision),
        node.administration.revokeTokens(decision),
      ])
      await other.administration.enable(decision)
      const { records } = await node.log.since(0)
      const floor = records.at(-1)?.floor ?? 0
      const now = await node.authenticate(id, secret)
      assert.equal(now?.generation, floor)
      // What was read meanwhile is from before one of the two, or from after both.
      assert.ok(client === undefined || client.generation <= floor)
    }
  },
)
