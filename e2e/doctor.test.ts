import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Report, Severity, WeaknessId } from '@portcullis/doctor'
import { examine } from '@portcullis/doctor'
import type { Sample } from './doctor/samples/sample.ts'
import { startSample } from './doctor/samples/sample.ts'
import { embeddedKeyWithJose, strongJose } from './doctor/samples/with-jose.ts'
import {
  anyAudienceWithJsonwebtoken,
  decodedWithJsonwebtoken,
  strongJsonwebtoken,
} from './doctor/samples/with-jsonwebtoken.ts'

/** What every service is sent: tokens signed with RS256, and what HTTP can carry of them. */
const attacksMin = 500

async function reportOn(sample: Sample): Promise<Report> {
  const running = await startSample(sample)
  try {
    return await examine({
      url: running.url,
      requestsPerSecond: 5_000,
      issuer: { audience: 'orders', onTrust: running.trust, waitSeconds: 10 },
    })
  } finally {
    await running.close()
  }
}

const strong: readonly (readonly [string, Sample])[] = [
  ['jose', strongJose],
  ['jsonwebtoken', strongJsonwebtoken],
]

for (const [library, sample] of strong) {
  test(`nothing is found at a service with ${library} that checks everything`, async () => {
    const { findings, attacks, notJudged } = await reportOn(sample)
    assert.deepEqual(findings, [])
    assert.deepEqual(notJudged, [])
    assert.ok(attacks.made >= attacksMin, `only ${attacks.made} attacks were made`)
  })
}

/** Each service has one mistake; with its findings, all of them. */
const weak: readonly (readonly [string, Sample, Partial<Record<WeaknessId, Severity>>])[] = [
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
  [
    'takes the key of the token with the EmbeddedJWK of jose',
    embeddedKeyWithJose,
    { 'key-from-token': 'critical' },
  ],
]

for (const [mistake, sample, expected] of weak) {
  test(`it is found out that a service ${mistake}, and nothing else is`, async () => {
    const { findings } = await reportOn(sample)
    const found = findings.map(({ weakness, severity }) => [weakness, severity])
    assert.deepEqual(Object.fromEntries(found), expected)
    for (const { evidence, references } of findings) {
      assert.ok(evidence.length > 0)
      assert.ok(references.length > 0)
    }
  })
}

test('no other attack is made where no token is asked for, and that is critical', async () => {
  const report = await reportOn(() => (_request, response) => void response.end('hello'))
  assert.deepEqual(
    report.findings.map(({ weakness, severity }) => [weakness, severity]),
    [['no-token', 'critical']],
  )
  assert.equal(report.attacks.made, 1)
})
