import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Report, Severity, WeaknessId } from '@portcullis/doctor'
import { reportOn, severitiesOf } from './doctor/reports.ts'
import type { Sample } from './doctor/samples/sample.ts'
import { anyAudienceWithAws, graceWithAws } from './doctor/samples/with-aws-jwt-verify.ts'
import {
  anyIssuerWithExpressBearer,
  fromQueryWithExpressBearer,
  optionalWithExpressBearer,
} from './doctor/samples/with-express-bearer.ts'
import { anyAgeWithFastJwt, issuerPatternWithFastJwt } from './doctor/samples/with-fast-jwt.ts'
import { anyAlgorithmWithHono } from './doctor/samples/with-hono.ts'
import {
  anyIssuerWithJose,
  anyTypeWithJose,
  cacheableWithJose,
  embeddedKeyWithJose,
  noChallengeWithJose,
  noExpiryWithJose,
  strongJose,
  tellingTokenWithJose,
} from './doctor/samples/with-jose.ts'
import {
  anyAudienceWithJsonwebtoken,
  anyCritWithJsonwebtoken,
  anyTimeWithJsonwebtoken,
  believedHeaderWithJsonwebtoken,
  decodedWithJsonwebtoken,
  guardedPathWithJsonwebtoken,
  uncaughtWithJsonwebtoken,
} from './doctor/samples/with-jsonwebtoken.ts'
import { anyAlgorithmWithJws } from './doctor/samples/with-jws.ts'
import { namedKeySetWithJwksRsa } from './doctor/samples/with-jwks-rsa.ts'

type Expected = Readonly<Partial<Record<WeaknessId, Severity>>>

/** Each service has one mistake, and the findings that follow from it, no more and no less. */
const weak: readonly (readonly [string, Sample, Expected])[] = [
  [
    'decodes tokens with jsonwebtoken in the place of verifying them',
    decodedWithJsonwebtoken,
    {
      unsigned: 'critical',
      'forged-signature': 'critical',
      'algorithm-confusion': 'critical',
      'key-from-token': 'critical',
      issuer: 'high',
      audience: 'high',
      crit: 'medium',
      'token-type': 'medium',
      'not-yet-valid': 'medium',
      'algorithm-name': 'low',
      'signature-encoding': 'low',
    },
  ],
  ['names no audience to jsonwebtoken', anyAudienceWithJsonwebtoken, { audience: 'high' }],
  ['has jsonwebtoken ignore nbf', anyTimeWithJsonwebtoken, { 'not-yet-valid': 'medium' }],
  ['leaves crit to jsonwebtoken', anyCritWithJsonwebtoken, { crit: 'medium' }],
  [
    'lets what jsonwebtoken throws become the answer',
    uncaughtWithJsonwebtoken,
    { 'stack-trace': 'medium', 'server-error': 'low' },
  ],
  [
    'guards one spelling of a path with jsonwebtoken',
    guardedPathWithJsonwebtoken,
    { 'route-bypass': 'critical' },
  ],
  [
    'believes a header before it asks jsonwebtoken',
    believedHeaderWithJsonwebtoken,
    { 'identity-header': 'critical' },
  ],
  [
    'gives jwks-rsa the key set that the token names',
    namedKeySetWithJwksRsa,
    { 'key-from-token': 'critical', 'outbound-request': 'high' },
  ],
  [
    'takes the key of the token with the EmbeddedJWK of jose',
    embeddedKeyWithJose,
    { 'key-from-token': 'critical' },
  ],
  [
    'finds the keys for jose where the token says that it comes from',
    anyIssuerWithJose,
    { 'key-from-token': 'critical', 'outbound-request': 'high', issuer: 'high' },
  ],
  ['does not ask jose for the kind of token', anyTypeWithJose, { 'token-type': 'medium' }],
  ['does not have jose demand exp', noExpiryWithJose, { 'no-expiry': 'medium' }],
  ['refuses without a challenge', noChallengeWithJose, { challenge: 'low' }],
  [
    'repeats the token that jose has refused',
    tellingTokenWithJose,
    { 'token-in-answer': 'medium' },
  ],
  ['lets caches keep what needs a token', cacheableWithJose, { cacheable: 'medium' }],
  ['has fast-jwt ignore exp', anyAgeWithFastJwt, { expired: 'high' }],
  ['names issuers to fast-jwt by a pattern', issuerPatternWithFastJwt, { issuer: 'high' }],
  [
    'takes the algorithm for hono/jwt from the token',
    anyAlgorithmWithHono,
    { 'algorithm-name': 'low' },
  ],
  [
    'takes the algorithm for jws from the token',
    anyAlgorithmWithJws,
    { 'algorithm-confusion': 'critical', 'algorithm-name': 'low' },
  ],
  ['names no audience to aws-jwt-verify', anyAudienceWithAws, { audience: 'high' }],
  [
    'gives aws-jwt-verify a day of grace',
    graceWithAws,
    { expired: 'high', 'not-yet-valid': 'medium' },
  ],
  [
    'has express-oauth2-jwt-bearer let requests without a token through',
    optionalWithExpressBearer,
    { 'no-token': 'critical' },
  ],
  [
    'lets express-oauth2-jwt-bearer take tokens from the query',
    fromQueryWithExpressBearer,
    { 'token-in-query': 'low' },
  ],
  [
    'has turned off the check of iss in express-oauth2-jwt-bearer',
    anyIssuerWithExpressBearer,
    { issuer: 'high' },
  ],
]

for (const [mistake, sample, expected] of weak) {
  test(`it is found that a service ${mistake}, and nothing else is`, async () => {
    const report = await reportOn(sample)
    assert.deepEqual(severitiesOf(report), expected, evidenceOf(report))
    for (const { evidence, references } of report.findings) {
      assert.ok(evidence.length > 0)
      assert.ok(references.length > 0)
    }
  })
}

function evidenceOf({ findings }: Report): string {
  const told = findings.map(({ weakness, evidence }) => [weakness, evidence.slice(0, 4)])
  return JSON.stringify(told, undefined, 1)
}

test('a token that was taken back and is accepted is a finding where revocation is expected', async () => {
  const report = await reportOn(strongJose, { expectRevocation: true }, { revocationSeconds: 1 })
  assert.deepEqual(severitiesOf(report), { revocation: 'medium' })
  assert.equal(report.revocation.kind, 'accepted')
})

test('no other attack is made where no token is asked for', async () => {
  const report = await reportOn(() => (_request, response) => void response.end('hello'))
  assert.deepEqual(severitiesOf(report), { 'no-token': 'critical' })
  assert.equal(report.attacks.made, 1)
})

/** A long token is too much for it. */
const dies: Sample = async (trust) => {
  const listener = await strongJose(trust)
  let isDead = false
  return (request, response) => {
    isDead ||= (request.headers.authorization ?? '').length > 8_000
    if (isDead) request.socket.destroy()
    else listener(request, response)
  }
}

test('a service that dies of an attack is found', async () => {
  const report = await reportOn(dies)
  assert.deepEqual(severitiesOf(report), { 'stops-answering': 'high' })
})
