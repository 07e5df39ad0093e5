import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reportOn, severitiesOf } from './doctor/reports.ts'
import type { Sample } from './doctor/samples/sample.ts'
import { strongAws } from './doctor/samples/with-aws-jwt-verify.ts'
import { strongExpressBearer } from './doctor/samples/with-express-bearer.ts'
import { strongFastJwt } from './doctor/samples/with-fast-jwt.ts'
import { strongHono } from './doctor/samples/with-hono.ts'
import { strongJose } from './doctor/samples/with-jose.ts'
import { strongJsonwebtoken } from './doctor/samples/with-jsonwebtoken.ts'
import { strongJwksRsa } from './doctor/samples/with-jwks-rsa.ts'

/** What every service is sent: tokens signed with RS256, as far as HTTP can carry them, and ways around them. */
const attacksMin = 500

const strong: readonly (readonly [string, Sample])[] = [
  ['jose', strongJose],
  ['jsonwebtoken', strongJsonwebtoken],
  ['jsonwebtoken and jwks-rsa', strongJwksRsa],
  ['fast-jwt', strongFastJwt],
  ['hono/jwt', strongHono],
  ['aws-jwt-verify', strongAws],
  ['express-oauth2-jwt-bearer', strongExpressBearer],
]

for (const [library, sample] of strong) {
  test(`nothing is found at a service with ${library} that checks everything`, async () => {
    const report = await reportOn(sample)
    assert.deepEqual(severitiesOf(report), {}, JSON.stringify(report.findings))
    assert.deepEqual(report.notJudged, [])
    assert.ok(report.attacks.made >= attacksMin, `only ${report.attacks.made} attacks were made`)
    assert.ok(report.attacks.refused > report.attacks.noted)
    assert.equal(report.revocation.kind, 'not-tried')
  })
}

test('other algorithms of the issuer are attacked as well', async () => {
  for (const algorithm of ['ES256', 'EdDSA', 'PS256'] as const) {
    const { findings, attacks, held } = await reportOn(strongJose, {
      audience: 'payments',
      algorithm,
    })
    assert.deepEqual(findings, [])
    assert.ok(attacks.made >= 400, `only ${attacks.made} attacks were made with ${algorithm}`)
    const weaknesses = new Set(held.map(({ weakness }) => weakness))
    for (const weakness of ['algorithm-confusion', 'audience', 'forged-signature'] as const) {
      assert.ok(weaknesses.has(weakness), `${algorithm}: nothing of ${weakness}`)
    }
  }
})

/** Its limit is reached soon. */
const answers: Sample = async (trust) => {
  const listener = await strongJose(trust)
  let left = 100
  return (request, response) => {
    left -= 1
    if (left > 0) return listener(request, response)
    response.writeHead(429).end()
  }
}

test('a service that answers nobody is not said to hold', async () => {
  const { attacks, notJudged, findings } = await reportOn(answers)
  assert.deepEqual(findings, [])
  assert.ok(attacks.refused < 100, `${attacks.refused} are said to be refused`)
  assert.ok(notJudged.length > 400)
})
