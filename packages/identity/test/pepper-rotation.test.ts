import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { RefreshPepper } from '../src/domain/refresh-tokens.ts'
import { createPepper } from '../src/domain/refresh-tokens.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import { assertNoRefresh, bob, refreshWith, signIn, tokensOf } from './signed-in.ts'
import { startError } from './start-error.ts'

const old = createPepper(randomBytes(32))
const next = createPepper(randomBytes(32))
const idleMs = 1_209_600_000
/** Beyond the last renewal of the pepper and the life of the tokens until the next. */
const deadMs = idleMs + 2 * 3_600_000

async function startOn(t: TestContext, engine: Engine): Promise<RunningIdentity> {
  const database = await engine.createStore(t)
  const identity = await startRunningIdentity({ database, accounts: [alice, bob], peppers: [old] })
  t.after(identity.close)
  return identity
}

const noTls = { certificateFile: undefined, keyFile: undefined }

function pepperIdOf(refreshToken: string): string {
  return refreshToken.slice('prt_'.length, 'prt_'.length + 8)
}

/** Refreshes a session at every node in turn, past the grace, so that each token is another one. */
async function refreshAt(
  nodes: readonly RunningIdentity[],
  first: string,
): Promise<readonly string[]> {
  const tokens = [first]
  for (const node of nodes) {
    node.clock.advanceMs(31_000)
    tokens.push(tokensOf(await refreshWith(node, tokens.at(-1) ?? '')).refresh)
  }
  return tokens
}

testOnEngines(
  'a pepper is rolled over two nodes in three steps, and no session is lost at any of them',
  async (t, engine) => {
    const identity = await startOn(t, engine)
    let one = await identity.startNode()
    let other = await identity.startNode()
    t.after(async () => Promise.all([one, other].map((node) => node.close())))
    let { refresh } = await signIn(one)
    const steps: readonly (readonly [RefreshPepper, ...RefreshPepper[]])[] = [
      [old, next],
      [next, old],
    ]
    let refreshes = 0
    for (const peppers of steps) {
      for (const restarted of ['one', 'other']) {
        if (restarted === 'one') one = await one.restart(undefined, { peppers })
        else other = await other.restart(undefined, { peppers })
        const tokens = await refreshAt([one, other, one], refresh)
        refresh = tokens.at(-1) ?? ''
        refreshes += tokens.length - 1
        assert.equal(pepperIdOf(refresh), peppers[0].id)
      }
    }
    assert.equal(refreshes, 12)
    assert.equal(pepperIdOf(refresh), next.id)

    // Somebody who was idle meanwhile still has one of the old pepper: it is too early to drop that.
    const dropped = { peppers: [next] as const }
    await identity.close()
    await assert.rejects(one.startNode(dropped), startError(new RegExp(`${old.id} \\(until 20`)))
    one.clock.advanceMs(deadMs - 3_600_000)
    const late = (await refreshAt([one], (await signIn(one)).refresh)).at(-1) ?? ''
    one.clock.advanceMs(3_600_000)
    one = await one.restart(undefined, dropped)
    other = await other.restart(undefined, dropped)
    await refreshAt([other, one], late)
  },
)

testOnEngines(
  'a pepper that is exchanged and not rolled stops the start, unless it is given up by its id',
  async (t, engine) => {
    const identity = await startOn(t, engine)
    const { refresh } = await signIn(identity)
    const exchanged = { peppers: [next] as const }
    const refusal = startError(
      /another pepper/,
      new RegExp(`_PREVIOUS [^]*SIGN_OUT_SESSIONS_OF_PEPPER=${old.id}`),
    )
    await assert.rejects(identity.startNode(exchanged), refusal)
    // Nothing was changed: the node that runs goes on, and so does who signs in there.
    const [, second = ''] = await refreshAt([identity], refresh)
    const another = { dangerouslySignOutSessionsOfPepper: next.id }
    await assert.rejects(identity.startNode({ ...exchanged, settings: another }), refusal)

    const meant = { dangerouslySignOutSessionsOfPepper: old.id }
    const node = await identity.startNode({ ...exchanged, settings: meant })
    t.after(node.close)
    assert.match(node.logged(), /given up by its setting/)
    await assertNoRefresh(node, second)
    const young = (await signIn(node)).refresh
    assert.equal(pepperIdOf(young), next.id)
    // It is asked for once.
    const later = await node.startNode({
      settings: { dangerouslySignOutSessionsOfPepper: undefined },
    })
    t.after(later.close)
    await refreshAt([later], young)
  },
)

testOnEngines(
  'a start that fails leaves no word of its pepper: the next one may be without it',
  async (t, engine) => {
    const identity = await startOn(t, engine)
    const { refresh } = await signIn(identity)
    const peppers = [next, old] as const
    const listen = { host: '127.0.0.1', port: identity.port, tls: noTls }
    const taken = identity.startNode({ peppers, settings: { listen } })
    await assert.rejects(taken, startError(/in use/))
    const node = await identity.startNode()
    t.after(node.close)
    await refreshAt([node], refresh)
  },
)

testOnEngines(
  'a pepper is exchanged without a word where nobody is signed in',
  async (t, engine) => {
    const identity = await startOn(t, engine)
    const node = await identity.startNode({ peppers: [next] })
    await node.close()
    const { refresh } = await signIn(identity)
    // Now it is the other way round: this one issues with the old pepper.
    await assert.rejects(identity.startNode({ peppers: [next] }), startError(/another pepper/))
    await refreshAt([identity], refresh)
  },
)
