import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { connect } from '@nats-io/transport-node'
import type { RevocationOptions, Verifier } from '@portcullis/verify'
import { createVerifier, VerifyError } from '@portcullis/verify'
import { createJetStreamFeed } from '@portcullis/verify/nats'
import { howToGet, natsServer } from '../tools/debian-packages.ts'
import { freePort } from '../tools/free-port.ts'
import { startNatsServer } from '../tools/nats-server.ts'
import type { LoneIssuer } from './lone-issuer.ts'
import { startLoneIssuer } from './lone-issuer.ts'
import { newFolder, postJson, removeFolder, runPortcullis } from './running-system.ts'
import { untilAnswered } from './until-answered.ts'

const skip = natsServer.find() === undefined ? howToGet(natsServer) : false

/** Read at each of the three, one beside the other. */
const roundsOfAll = 15

const sourceOf = (verifier: Verifier): string | undefined => {
  const health = verifier.revocation()
  return health.followed ? health.source : undefined
}

const fateOf = (verifier: Verifier, token: string): Promise<string> =>
  verifier.verify(token).then(
    () => 'accepted',
    (error: unknown) => (error instanceof VerifyError ? String(error.reason) : String(error)),
  )

async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<number> {
  const startedAt = performance.now()
  while (!(await isSo())) {
    if (performance.now() - startedAt > 20_000) throw new Error(`never happened: ${what}`)
    await setTimeout(1)
  }
  return performance.now() - startedAt
}

/** Signs in and out, and answers after how many milliseconds each refuses the token. */
async function logOutEverywhere(
  identity: LoneIssuer,
  verifiers: Readonly<Record<string, Verifier>>,
): Promise<Record<string, number>> {
  const { access } = await identity.signIn()
  for (const verifier of Object.values(verifiers)) {
    assert.equal(await fateOf(verifier, access), 'accepted')
  }
  await postJson(`${identity.issuer}/logout`, {}, { authorization: `Bearer ${access}` })
  const entries = Object.entries(verifiers).map(async ([name, verifier]) => {
    const isRefused = async (): Promise<boolean> => (await fateOf(verifier, access)) === 'revoked'
    return [name, await until(isRefused, `a refusal, read at the ${name}`)] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}

function tellDelays(t: TestContext, name: string, delays: readonly number[]): void {
  const sorted = delays.toSorted((one, other) => one - other)
  const [median = Infinity, most = Infinity] = [sorted[sorted.length >> 1], sorted.at(-1)]
  t.diagnostic(`${name}: ${median.toFixed(1)} ms behind the answer, ${most.toFixed(1)} at most`)
  assert.ok(median < 150, `${median} ms`)
}

test(
  'a logout reaches services over HTTP, a relay and NATS, and goes on past a broker that is gone',
  { skip },
  async (t) => {
    const folder = newFolder()
    const broker = await startNatsServer()
    const identity = await startLoneIssuer({ nats: { servers: [broker.address] } })
    const { issuer } = identity
    const [port, operations] = [await freePort(), await freePort()]
    const config = join(folder, 'portcullis.relay.json')
    const settings = { listen: { port }, operations: { port: operations }, issuer }
    writeFileSync(config, JSON.stringify(settings))
    const relay = runPortcullis(['relay', '--config', config], { folder })
    const connection = await connect({
      servers: broker.address,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 200,
    })
    const follow = (revocation: RevocationOptions): Verifier =>
      createVerifier({ issuer, audience: 'orders', revocation })
    const verifiers = {
      issuer: follow({}),
      relay: follow({ relay: `http://127.0.0.1:${port}` }),
      broker: follow({ broker: createJetStreamFeed({ connection }) }),
    }
    const logOut = (): Promise<Record<string, number>> => logOutEverywhere(identity, verifiers)
    try {
      await untilAnswered(`http://127.0.0.1:${operations}/health/ready`)
      for (const [name, verifier] of Object.entries(verifiers)) {
        await verifier.ready()
        await until(() => sourceOf(verifier) === name, `the feed is read at the ${name}`)
      }
      const delays: Record<string, number>[] = []
      for (let rounds = 0; rounds < roundsOfAll; rounds += 1) delays.push(await logOut())
      for (const name of Object.keys(verifiers)) {
        tellDelays(
          t,
          name,
          delays.map((round) => round[name] ?? Infinity),
        )
      }
      assert.deepEqual(Object.values(verifiers).map(sourceOf), ['issuer', 'relay', 'broker'])

      await broker.kill()
      const without = await logOut()
      t.diagnostic(`without the broker: ${Math.round(without['broker'] ?? Infinity)} ms`)
      assert.ok((without['broker'] ?? Infinity) < 10_000)
      await until(() => sourceOf(verifiers.broker) === 'issuer', 'the stream of the issuer')
      await broker.start()
      await until(() => sourceOf(verifiers.broker) === 'broker', 'the broker is read again')
      await until(() => {
        const health = verifiers.broker.revocation()
        return health.followed && health.failure === undefined
      }, 'a frame from the broker')
      await logOut()
    } finally {
      await Promise.all(Object.values(verifiers).map(({ close }) => close()))
      await connection.close()
      relay.child.kill('SIGTERM')
      await relay.ended
      await identity.stop()
      await broker.remove()
      removeFolder(folder)
    }
  },
)
