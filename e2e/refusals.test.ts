import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { after, before, test } from 'node:test'
import { parseCompactJws } from '@portcullis/protocol/jws'
import { signCompactJws } from '@portcullis/verify/testing'
import type { RunningSystem } from './running-system.ts'
import { bearer, removeFolder, startSystem } from './running-system.ts'
import type { StolenKey } from './stolen-key.ts'
import { stealKey } from './stolen-key.ts'

let system: RunningSystem
let good: string
let stolen: StolenKey

before(async () => {
  system = await startSystem()
  good = await system.signIn('alice')
  stolen = stealKey(system.folder)
})

after(async () => {
  await system.stop()
  removeFolder(system.folder)
})

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
const nowSeconds = (): number => Math.floor(Date.now() / 1000)

function partsOf(token: string): { header: string; payload: string; signature: string } {
  const [header = '', payload = '', signature = ''] = token.split('.')
  return { header, payload, signature }
}

function headerOf(token: string): Record<string, unknown> {
  const parsed = parseCompactJws(token)
  assert.equal(parsed.kind, 'jws')
  return { ...parsed.header }
}

/** Each is wrong in one way only: with that way undone it would be the good token. */
const forgeries: Readonly<Record<string, () => string>> = {
  'not a token at all': () => 'nonsense',
  'signature cut off': () => `${partsOf(good).header}.${partsOf(good).payload}.`,
  'signature of another token': () => {
    const other = partsOf(stolen.resign(good, { jti: 'another' }))
    return `${partsOf(good).header}.${partsOf(good).payload}.${other.signature}`
  },
  'payload changed after signing': () => {
    const payload = JSON.parse(
      Buffer.from(partsOf(good).payload, 'base64url').toString('utf8'),
    ) as object
    const richer = encode({ ...payload, roles: ['admin'] })
    return `${partsOf(good).header}.${richer}.${partsOf(good).signature}`
  },
  'signed by a stranger under our key id': () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const parsed = parseCompactJws(good)
    assert.equal(parsed.kind, 'jws')
    const kid = String(headerOf(good)['kid'])
    return signCompactJws(parsed.payload, 'at+jwt', { kid, algorithm: 'RS256', privateKey })
  },
  'unknown key id': () => {
    const header = encode({ ...headerOf(good), kid: 'unknown' })
    return `${header}.${partsOf(good).payload}.${partsOf(good).signature}`
  },
  'alg none': () => {
    const header = encode({ ...headerOf(good), alg: 'none' })
    return `${header}.${partsOf(good).payload}.`
  },
  'alg none with the old signature': () => {
    const header = encode({ ...headerOf(good), alg: 'none' })
    return `${header}.${partsOf(good).payload}.${partsOf(good).signature}`
  },
  'HS256 with the public key as its secret': () => {
    const header = encode({ ...headerOf(good), alg: 'HS256' })
    const input = `${header}.${partsOf(good).payload}`
    return `${input}.${createHmac('sha256', stolen.publicPem).update(input).digest('base64url')}`
  },
  expired: () => stolen.resign(good, { iat: nowSeconds() - 1000, exp: nowSeconds() - 100 }),
  'not valid yet': () => stolen.resign(good, { nbf: nowSeconds() + 600 }),
  'issued in the future': () =>
    stolen.resign(good, { iat: nowSeconds() + 600, exp: nowSeconds() + 900 }),
  'living too long': () => stolen.resign(good, { exp: nowSeconds() + 86_400 }),
  'for another audience': () => stolen.resign(good, { aud: 'reviews' }),
  'for no audience': () => stolen.resign(good, { aud: [] }),
  'of another issuer': () => stolen.resign(good, { iss: 'https://evil.example' }),
  'of an issuer with a longer name': () =>
    stolen.resign(good, { iss: `${system.endpoints.identity}.evil.example` }),
  'not an access token': () => stolen.resign(good, {}, 'JWT'),
  'bound to a key that was not shown': () => stolen.resign(good, { cnf: { jkt: 'thumbprint' } }),
  'without a subject': () => stolen.resign(good, { sub: '' }),
}

const doors = (): readonly string[] => [system.endpoints.gateway, system.endpoints.orders]

test('the good token and one signed anew without a change are let in at both doors', async () => {
  for (const door of doors()) {
    for (const token of [good, stolen.resign(good, {})]) {
      const response = await fetch(`${door}/orders`, { headers: bearer(token) })
      assert.equal(response.status, 200, door)
      await response.arrayBuffer()
    }
  }
})

test('without a token both doors answer 401 with a challenge that names no error', async () => {
  for (const door of doors()) {
    const response = await fetch(`${door}/orders`)
    assert.equal(response.status, 401, door)
    const challenge = response.headers.get('www-authenticate') ?? ''
    assert.match(challenge, /^Bearer/)
    assert.doesNotMatch(challenge, /error/)
  }
})

for (const [name, forge] of Object.entries(forgeries)) {
  test(`a token ${name} is refused with 401 at both doors`, async () => {
    const token = forge()
    for (const door of doors()) {
      const response = await fetch(`${door}/orders`, { headers: bearer(token) })
      const body = await response.text()
      assert.equal(response.status, 401, `${door} answered ${response.status}: ${body}`)
      assert.match(response.headers.get('www-authenticate') ?? '', /error="invalid_token"/)
      assert.match(response.headers.get('content-type') ?? '', /application\/problem\+json/)
      const secretPart = partsOf(good).signature.slice(0, 32)
      assert.ok(!body.includes(secretPart), 'the answer holds a part of the token')
    }
  })
}
