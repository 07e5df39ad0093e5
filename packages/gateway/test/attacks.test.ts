import assert from 'node:assert/strict'
import type { Buffer } from 'node:buffer'
import { test } from 'node:test'
import type { Fill } from './attack-expectations.ts'
import { assertServed, withServices } from './attack-expectations.ts'
import type { GatewayAttack } from './gateway-vectors.ts'
import { gatewayCorpus, textFiller } from './gateway-vectors.ts'
import { sendRaw, statusesIn } from './http-client.ts'
import type { World } from './world.ts'
import { startWorld } from './world.ts'

/*
 * vectors/gateway-attacks.json, as octets over sockets. What takes more than octets is named there too: see
 * threat-coverage.test.ts.
 */
const { gateway, attacks } = gatewayCorpus
const numbers = [...new Set(attacks.map(({ id }) => /^G\d+/.exec(id)?.[0] ?? id))]

for (const number of numbers) {
  test(`${number}: no attack of the corpus reaches a service, and its twin without the attack does`, async (t) => {
    const world = await startWorld(t, { file: (to) => withServices(gateway, to) })
    const wire = tap(world)
    for (const attack of attacks.filter(({ id }) => id.startsWith(`${number}-`))) {
      const fill = textFiller(world.issuer, attack.tokens)
      await assertFails(world, wire, attack, fill)
      await assertPasses(world, attack, fill)
      wire.splice(0)
    }
  })
}

test('the corpus of attacks is whole', () => {
  assert.ok(attacks.length >= 400, `only ${attacks.length} attacks`)
  assert.equal(new Set(attacks.map(({ id }) => id)).size, attacks.length, 'each id is there once')
})

async function assertFails(
  world: World,
  wire: readonly string[],
  { id, does, request, expected }: GatewayAttack,
  fill: Fill,
): Promise<void> {
  const logged = world.log().length
  const answer = await sendRaw(world.port, fill(request))
  const what = `${id}: who ${does}`
  assert.deepEqual(statusesIn(answer), expected.statuses, `${what}\n${answer}`)
  const last = answer.split(/(?=HTTP\/1\.1 \d)/).at(-1) ?? ''
  if (expected.code !== undefined)
    assert.ok(last.includes(`"code":"${expected.code}"`), `${what}\n${last}`)
  if (expected.closes === true) assert.match(last, /^connection: close\r$/im, what)
  for (const text of expected.answerHas ?? []) assert.ok(answer.includes(fill(text)), what)
  for (const text of expected.answerLacks ?? []) assert.ok(!answer.includes(fill(text)), what)
  const log = world.log().slice(logged)
  for (const text of expected.logLacks ?? [])
    assert.ok(!log.includes(fill(text)), `${what}\n${log}`)
  const { service = [] } = expected
  assertServed(world.service.requests.splice(0), service, fill, what)
  const octets = wire.join('')
  if (expected.partly === true) assert.doesNotMatch(octets, /\r\n0\r\n/, what)
  else if (service.length === 0) assert.equal(octets, '', what)
  for (const text of service.flatMap(({ wireLacks = [] }) => wireLacks)) {
    assert.ok(!octets.includes(fill(text)), what)
  }
}

async function assertPasses(world: World, { id, twin }: GatewayAttack, fill: Fill): Promise<void> {
  const answer = await sendRaw(world.port, fill(twin.request))
  const { statuses = [200] } = twin
  assert.deepEqual(statusesIn(answer), statuses, `${id}: its twin\n${answer}`)
  assertServed(world.service.requests.splice(0), twin.service, fill, `${id}: its twin`)
}

/** What comes to the service, as octets, whatever a parser makes of it. */
function tap({ service }: World): string[] {
  const pieces: string[] = []
  service.server.on('connection', (socket) => {
    socket.on('data', (piece: Buffer) => pieces.push(piece.toString('latin1')))
  })
  return pieces
}
