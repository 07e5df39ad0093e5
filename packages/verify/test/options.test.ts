import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VerifierOptions } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'

const good = { issuer: 'https://id.example', audience: 'orders' }

test('issuer and audience are enough', () => {
  const verifier = createVerifier(good)
  assert.equal(verifier.issuer, 'https://id.example')
  assert.equal(verifier.audience, 'orders')
  assert.ok(Object.isFrozen(verifier))
})

const mistakes: readonly (readonly [string, unknown, RegExp])[] = [
  ['no options at all', undefined, /^options must be an object/],
  ['a text', 'https://id.example', /^options must be an object/],
  ['a name that is not known', { ...good, audiences: ['x'] }, /^unknown option "audiences"/],
  ['a name of a later release', { ...good, metrics: {} }, /^unknown option "metrics"/],
  ['no issuer', { audience: 'orders' }, /^option "issuer"/],
  ['an issuer that is a list', { ...good, issuer: [good.issuer] }, /^option "issuer"/],
  ['an issuer over http', { ...good, issuer: 'http://id.example' }, /^option "issuer".*https/],
  ['an issuer with a slash', { ...good, issuer: 'https://id.example/' }, /^option "issuer"/],
  ['no audience', { issuer: good.issuer }, /^option "audience"/],
  ['an empty audience', { ...good, audience: '' }, /^option "audience"/],
  ['a list of audiences', { ...good, audience: ['orders'] }, /^option "audience"/],
  ['an audience that is a pattern', { ...good, audience: /orders/ }, /^option "audience"/],
  ['no algorithms', { ...good, algorithms: [] }, /^option "algorithms".*RS256/],
  ['an unknown algorithm', { ...good, algorithms: ['RS256', 'HS256'] }, /^option "algorithms"/],
  ['none', { ...good, algorithms: ['none'] }, /^option "algorithms"/],
  ['algorithms as a text', { ...good, algorithms: 'RS256' }, /^option "algorithms"/],
  ['another revocation', { ...good, revocation: 'off' }, /^option "revocation".*untilExpiry/],
  ['revocation as a list', { ...good, revocation: [] }, /^option "revocation"/],
  ['no revocation', { ...good, revocation: null }, /^option "revocation"/],
  [
    'a state file without a name',
    { ...good, revocation: { stateFile: '' } },
    /^option "revocation.stateFile"/,
  ],
  ['a warning that nobody hears', { ...good, onWarning: 'stderr' }, /^option "onWarning"/],
  [
    'an unknown member of revocation',
    { ...good, revocation: { maxStaleness: 3 } },
    /^unknown option "revocation.maxStaleness"/,
  ],
  [
    'two seconds of staleness',
    { ...good, revocation: { maxStalenessSeconds: 2 } },
    /^option "revocation.maxStalenessSeconds".*3 to 3600/,
  ],
  [
    'half seconds of staleness',
    { ...good, revocation: { maxStalenessSeconds: 3.5 } },
    /^option "revocation.maxStalenessSeconds"/,
  ],
  [
    'more than an hour of staleness',
    { ...good, revocation: { maxStalenessSeconds: 3_601 } },
    /^option "revocation.maxStalenessSeconds"/,
  ],
  [
    'another answer to staleness',
    { ...good, revocation: { whenStale: 'ignore' } },
    /^option "revocation.whenStale".*"refuse" or "accept"/,
  ],
  ...['', 'Kiosk', 'a'.repeat(33)].map(
    (software) =>
      [
        `software ${software}`,
        { ...good, revocation: { software } },
        /^option "revocation.software" must fit/,
      ] as const,
  ),
  ['an onRevoked that is no function', { ...good, onRevoked: {} }, /^option "onRevoked"/],
  [
    'an onRevoked without a feed to follow',
    { ...good, onRevoked: () => undefined, revocation: 'untilExpiry' },
    /^option "onRevoked" would never be called.*untilExpiry/,
  ],
  ['a negative leeway', { ...good, leewaySeconds: -1 }, /^option "leewaySeconds".*0 to 60/],
  ['a leeway of an hour', { ...good, leewaySeconds: 3_600 }, /^option "leewaySeconds"/],
  ['a leeway as a text', { ...good, leewaySeconds: '5' }, /^option "leewaySeconds"/],
  ['a leeway that is no number', { ...good, leewaySeconds: Number.NaN }, /^option "leewaySeconds"/],
  ['no lifetime', { ...good, lifetimeSecondsMax: 0 }, /^option "lifetimeSecondsMax"/],
  [
    'an endless lifetime',
    { ...good, lifetimeSecondsMax: Infinity },
    /^option "lifetimeSecondsMax"/,
  ],
  ['a fetch that is no function', { ...good, fetch: 'fetch' }, /^option "fetch"/],
  ['an empty keySetFile', { ...good, keySetFile: '' }, /^option "keySetFile"/],
  ['a keySetFile that is no text', { ...good, keySetFile: 7 }, /^option "keySetFile"/],
  ['a clock that is no function', { ...good, now: 0 }, /^option "now"/],
  ['a client without a secret', { ...good, client: { id: 'a' } }, /^option "client.secret"/],
  [
    'a client with an empty id',
    { ...good, client: { id: '', secret: 'x' } },
    /^option "client.id"/,
  ],
  ['a client as a text', { ...good, client: 'a:b' }, /^option "client" must be an object/],
  [
    'a client with an unknown member',
    { ...good, client: { id: 'a', secret: 'b', scope: 'c' } },
    /^unknown option "client.scope"/,
  ],
]

for (const [name, options, message] of mistakes) {
  test(`createVerifier refuses ${name}`, () => {
    assert.throws(() => createVerifier(options as VerifierOptions), { name: 'TypeError', message })
  })
}

test('no mistake in the options repeats the secret', () => {
  const client = { id: 'a', secret: 'correct horse battery staple', extra: 1 }
  assert.throws(
    () => createVerifier({ ...good, client }),
    (error: Error) => !`${error.message}${error.stack ?? ''}`.includes('horse'),
  )
})

test('changing the options afterwards changes nothing', async () => {
  const algorithms: ('RS256' | 'ES256')[] = ['RS256']
  const options = { ...good, algorithms }
  const verifier = createVerifier(options)
  algorithms.push('ES256')
  options.audience = 'reviews'
  assert.equal(verifier.audience, 'orders')
  const header = { alg: 'ES256', typ: 'at+jwt', kid: 'k' }
  const token = `${btoa(JSON.stringify(header)).replaceAll('=', '')}.e30.AAAA`
  await assert.rejects(verifier.verify(token), { reason: 'algorithm-not-allowed' })
})
