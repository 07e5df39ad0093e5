import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGatewaySettings } from '../src/index.ts'
import { fixedMembers, withFixedMembers } from '../src/settings/fixed-members.ts'
import { createRestarts } from '../src/workers/restarts.ts'
import { shareOf } from '../src/workers/share.ts'

const file = {
  listen: { port: 4003 },
  operations: { port: 4004 },
  issuer: 'https://id.example',
  revocation: { stateFile: '/var/lib/revocations' },
  relay: { followers: 10, followersPerClient: 3 },
  routes: [{ match: '/*', to: ['http://127.0.0.1:4001'], auth: { audience: 'orders' } }],
  limits: { connections: 10, requests: 7, requestsPerService: 1 },
  rateLimits: { perSubjectPerSecond: 50 },
}

test('workers share what may be there at a time, and each has the whole of a rate', () => {
  const whole = parseGatewaySettings(file)
  const second = shareOf(whole, { number: 2, count: 4 })
  const { connections, requests, requestsPerService } = second.limits
  assert.deepEqual([connections, requests, requestsPerService], [3, 2, 1])
  assert.deepEqual(second.relay, { followers: 3, followersPerClient: 1 })
  assert.deepEqual(second.rateLimits, whole.rateLimits)
  assert.equal(second.operations, undefined)
  // Nothing else is another: whoever adds a limit decides here.
  const { limits, relay, revocation, operations } = whole
  assert.deepEqual({ ...second, limits, relay, revocation, operations }, whole)
})

test('no two workers write the same file, and one keeps that of a gateway without workers', () => {
  const whole = parseGatewaySettings(file)
  const paths = [1, 2, 3].map((number) => {
    const { revocation } = shareOf(whole, { number, count: 3 })
    return revocation === 'untilExpiry' ? undefined : revocation.stateFile
  })
  const path = '/var/lib/revocations'
  assert.deepEqual(paths, [path, `${path}.2`, `${path}.3`])
})

test('a worker that begins late has the listeners of the first file, and everything else of the last', () => {
  const first = parseGatewaySettings(file)
  const next = parseGatewaySettings({
    ...file,
    listen: {
      port: 5003,
      host: '127.0.0.2',
      tls: { cert: 'a.pem', key: 'a.key' },
    },
    operations: { port: 5004 },
    limits: { headerBytes: 4096, bodyBytes: 1 },
  })
  const taken = withFixedMembers(first, next)
  assert.deepEqual(fixedMembers(first, taken), [])
  assert.equal(fixedMembers(first, next).length, 5)
  assert.equal(taken.limits.bodyBytes, 1)
  assert.deepEqual(taken.routes, next.routes)
})

test('a worker is replaced at once after a sound life, later after each short one, and not for ever', () => {
  const restarts = createRestarts()
  const after = [60_000, 10, 10, 10, 20_000, 10, 9999, 10, 10, 10, 10].map(restarts.afterEnd)
  assert.deepEqual(after, [0, 200, 400, 800, 0, 200, 400, 800, 1600, 3200, undefined])
})
