import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { GivenTokens, Report, Trust } from '@portcullis/doctor'
import { DoctorError, examine } from '@portcullis/doctor'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'
import { severitiesOf } from './doctor/reports.ts'
import type { Sample } from './doctor/samples/sample.ts'
import { pemFrom, startSample } from './doctor/samples/sample.ts'
import { anyAlgorithmWithJws } from './doctor/samples/with-jws.ts'
import { embeddedKeyWithJose, strongJose } from './doctor/samples/with-jose.ts'
import {
  anyAudienceWithJsonwebtoken,
  decodedWithJsonwebtoken,
} from './doctor/samples/with-jsonwebtoken.ts'

/** Somebody's own issuer, whose key the doctor has not. */
let issuer: TestIssuer
let trust: Trust
let keySet: unknown

before(async () => {
  issuer = await createTestIssuer()
  const jwks = `${issuer.issuer}/.well-known/jwks.json`
  keySet = await (await fetch(jwks)).json()
  trust = {
    issuer: issuer.issuer,
    metadata: '',
    openIdConfiguration: '',
    jwks,
    publicKeyPem: `data:text/plain,${encodeURIComponent(pemFrom(keySet))}`,
    audience: 'orders',
    algorithm: 'RS256',
    client: { id: 'doctor', secret: 'of-a-test' },
  }
})

after(() => issuer.close())

async function reportWith(sample: Sample, given: Partial<GivenTokens> = {}): Promise<Report> {
  const running = await startSample(sample)
  running.trust(trust)
  try {
    await running.ready
    return await examine({
      url: running.url,
      requestsPerSecond: 10_000,
      given: { token: issuer.mint(), keySet, ...given },
    })
  } finally {
    await running.close()
  }
}

test('with a token of a real issuer nothing is found at a service that checks everything', async () => {
  const report = await reportWith(strongJose, {
    expired: issuer.mint({ iat: 1_000_000_000, exp: 1_000_000_900 }),
    otherAudience: issuer.mint({ aud: 'payments' }),
  })
  assert.deepEqual(severitiesOf(report), {}, JSON.stringify(report.findings))
  assert.equal(report.mode, 'given-token')
  assert.ok(report.attacks.made >= 110, `only ${report.attacks.made} attacks were made`)
  assert.ok(report.notMade.some(({ why }) => why === 'only the issuer can sign it'))
  assert.deepEqual(report.notJudged, [])
})

test('what can be made of a token without the key of its issuer is enough to find the worst', async () => {
  const worst: readonly (readonly [Sample, string])[] = [
    [decodedWithJsonwebtoken, 'unsigned'],
    [decodedWithJsonwebtoken, 'forged-signature'],
    [anyAlgorithmWithJws, 'algorithm-confusion'],
    [embeddedKeyWithJose, 'key-from-token'],
  ]
  for (const [sample, weakness] of worst) {
    const found = severitiesOf(await reportWith(sample))
    assert.equal(new Map(Object.entries(found)).get(weakness), 'critical', JSON.stringify(found))
  }
})

test('other tokens of the issuer that the operator has are tried as they are', async () => {
  const otherAudience = issuer.mint({ aud: 'payments' })
  const report = await reportWith(anyAudienceWithJsonwebtoken, { otherAudience })
  assert.deepEqual(severitiesOf(report), { audience: 'high' })
  const revoked = await reportWith(strongJose, { revoked: issuer.mint() })
  assert.deepEqual(severitiesOf(revoked), { revocation: 'medium' })
})

test('without the key set nothing is forged that needs it', async () => {
  const { notMade, attacks } = await reportWith(strongJose, { keySet: undefined })
  assert.ok(attacks.made >= 80, `only ${attacks.made} attacks were made`)
  assert.ok(notMade.some(({ id, why }) => id === 'V30-hs256-pem' && why.includes('--issuer')))
})

test('a token is taken back at the end, when it is said how', async () => {
  let taken = 0
  const sample: Sample = async (given) => {
    const listener = await strongJose(given)
    return (request, response) => {
      if (taken === 0) listener(request, response)
      else response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end()
    }
  }
  const takeBack = async (): Promise<void> => {
    taken += 1
  }
  const { revocation, findings } = await reportWith(sample, { takeBack })
  assert.deepEqual(findings, [])
  assert.equal(taken, 1)
  assert.equal(revocation.kind, 'refused')
})

test('what is no JWT is told without repeating it', async () => {
  for (const token of ['prt_opaque-secret-token', 'a.b.c.d.e', '']) {
    await assert.rejects(
      examine({ url: 'http://127.0.0.1:1/', given: { token } }),
      (error: unknown) =>
        error instanceof DoctorError &&
        error.kind === 'usage' &&
        !`${error.message} ${error.remedy}`.includes('opaque-secret'),
    )
  }
})
