import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { IssuerReport, Report, Trust } from '@portcullis/doctor'
import { createTestIssuer } from '@portcullis/verify/testing'
import { freePort } from '../tools/free-port.ts'
import type { Sample } from './doctor/samples/sample.ts'
import { startSample } from './doctor/samples/sample.ts'
import { strongJose } from './doctor/samples/with-jose.ts'
import { anyAudienceWithJsonwebtoken } from './doctor/samples/with-jsonwebtoken.ts'
import { untilAnswered } from './until-answered.ts'
import { newFolder, removeFolder, runPortcullis } from './running-system.ts'

let folder: string

before(() => {
  folder = newFolder()
})

after(() => removeFolder(folder))

interface Said {
  readonly code: number | string
  readonly output: string
  readonly errors: string
}

async function doctor(...parameters: readonly string[]): Promise<Said> {
  const run = runPortcullis(['doctor', ...parameters], { folder })
  const code = await run.ended
  return { code, output: run.output(), errors: run.errors() }
}

function trustOf(issuer: string): Trust {
  return {
    issuer,
    metadata: `${issuer}/.well-known/oauth-authorization-server`,
    openIdConfiguration: `${issuer}/.well-known/openid-configuration`,
    jwks: `${issuer}/.well-known/jwks.json`,
    publicKeyPem: `${issuer}/public-key.pem`,
    audience: 'orders',
    algorithm: 'RS256',
    client: { id: 'doctor', secret: 'of-a-test' },
  }
}

/** The service is told beforehand whom to trust, as in CI. */
async function doctorAt(sample: Sample, ...parameters: readonly string[]): Promise<Said> {
  const running = await startSample(sample)
  const port = await freePort()
  const trust = trustOf(`http://localhost:${port}`)
  void untilAnswered(trust.jwks).then(() => running.trust(trust))
  const common = ['--audience', 'orders', '--listen', `127.0.0.1:${port}`]
  const pace = ['--requests-per-second', '5000', '--wait-seconds', '20']
  try {
    return await doctor(running.url, ...common, ...pace, ...parameters)
  } finally {
    await running.close()
  }
}

test('doctor ends with 0 where nothing is found, and says beforehand what it will do', async () => {
  const { code, output, errors } = await doctorAt(strongJose)
  assert.equal(code, 0, errors)
  assert.match(
    errors,
    /^This attacks http:\/\/127\.0\.0\.1:\d+\/orders with GET and HEAD, and nothing else/,
  )
  assert.match(errors, /issuer +http:\/\/localhost:\d+\n/)
  assert.match(output, /\/orders: 0 findings, \d+ notes\n/)
  assert.match(output, /\nREFUSED .*algorithm-confusion \(\d+\)/)
})

test('doctor ends with 1 where something is found, with how to mend it, and never with a token', async () => {
  const { code, output, errors } = await doctorAt(anyAudienceWithJsonwebtoken)
  assert.equal(code, 1, errors)
  assert.match(output, /\nHIGH {2}It accepts tokens for other services\n/)
  assert.match(output, /\n {2}Mend it: Name the audience/)
  assert.match(output, /\n {2}- V61-aud-other: .*: accepted \(200\)\n/)
  assert.doesNotMatch(output + errors, /eyJ/)
})

test('doctor --json is for programs, and --fail-at says what is bad enough', async () => {
  const { code, output, errors } = await doctorAt(
    anyAudienceWithJsonwebtoken,
    '--json',
    '--fail-at',
    'critical',
  )
  assert.equal(code, 0, errors)
  const report = JSON.parse(output) as Report
  assert.equal(report.version, 1)
  assert.deepEqual(
    report.findings.map(({ weakness }) => weakness),
    ['audience'],
  )
  assert.doesNotMatch(output, /eyJ/)
})

test('doctor alters a token from a file, and says what was not made of it', async () => {
  const issuer = await createTestIssuer()
  const running = await startSample(strongJose)
  running.trust(trustOf(issuer.issuer))
  await running.ready
  const file = join(folder, 'access.jwt')
  const expired = join(folder, 'expired.jwt')
  writeFileSync(file, `${issuer.mint()}\n`)
  writeFileSync(expired, issuer.mint({ iat: 1_000_000_000, exp: 1_000_000_900 }))
  try {
    const given = ['--token-file', file, '--expired-token-file', expired, '--issuer', issuer.issuer]
    const pace = ['--requests-per-second', '5000']
    const { code, output, errors } = await doctor(running.url, ...given, ...pace, '--json')
    assert.equal(code, 0, errors)
    const report = JSON.parse(output) as Report
    assert.equal(report.mode, 'given-token')
    assert.ok(report.attacks.made > 100, `only ${report.attacks.made} attacks were made`)
    assert.ok(report.held.some(({ weakness }) => weakness === 'expired'))
    assert.doesNotMatch(output + errors, /eyJ/)
    // Nothing found, of what little was tried.
    const short = await doctor(running.url, ...given, ...pace, '--requests-max', '100')
    assert.equal(short.code, 3, short.output)
    assert.match(
      short.output,
      /^\S+: TOO LITTLE WAS JUDGED to say anything: [1-9]\d* of \d+ attacks/,
    )
    assert.match(short.output, /\n {2}\d+: no request was left\n/)
    assert.match(short.output, /\n\nNOT MADE\n {2}\d+: /)
    const both = await doctor(running.url, ...given, '--audience', 'orders')
    assert.equal(both.code, 2)
    assert.match(both.errors, /^--audience does not go with --token-file\nLeave out /)
  } finally {
    await running.close()
    await issuer.close()
  }
})

test('doctor --audit-issuer says what an issuer publishes, and what is wrong with it', async () => {
  const issuer = await createTestIssuer({ maxAgeSeconds: 1_000_000 })
  try {
    const { code, output, errors } = await doctor('--audit-issuer', issuer.issuer)
    assert.equal(code, 1, errors)
    assert.match(errors, /^This asks http:\/\/localhost:\d+ for its metadata and its key set/)
    assert.match(output, /: 1 finding\n\nKEYS\n.* RS256 {2}2048 bits {2}age not told\n/)
    assert.match(
      output,
      /\nMEDIUM {2}The key set may be kept for longer than a day\n {2}At: key set\n/,
    )
    const asJson = await doctor('--audit-issuer', issuer.issuer, '--json', '--fail-at', 'high')
    assert.equal(asJson.code, 0, asJson.errors)
    const report = JSON.parse(asJson.output) as IssuerReport
    assert.deepEqual(
      report.findings.map(({ fault }) => fault),
      ['kept-too-long'],
    )
  } finally {
    await issuer.close()
  }
})

test('doctor ends with 2 when it is misused, and with 3 when nothing can be examined', async () => {
  for (const parameters of [
    [],
    ['http://localhost:1/'],
    ['http://localhost:1/', '--audit-issuer', 'http://localhost:2'],
    ['http://localhost:1/', '--audience', 'orders', '--token-file', 'access.jwt'],
    ['http://localhost:1/', '--token-file', 'nowhere.jwt'],
    ['--audit-issuer', 'nowhere'],
    ['ftp://localhost/', '--audience', 'orders'],
    ['http://me:secret@localhost/', '--audience', 'orders'],
    ['http://localhost:1/', '--audience', 'orders', '--listen', 'nowhere'],
    ['http://localhost:1/', '--audience', 'orders', '--issuer-url', 'http://example.com'],
    ['http://localhost:1/', '--audience', 'orders', '--accepted-status', 'all'],
  ]) {
    const { code, errors } = await doctor(...parameters)
    assert.equal(code, 2, `${parameters.join(' ')}: ${errors}`)
    assert.doesNotMatch(errors, /secret/)
  }
  const nobody = `http://127.0.0.1:${await freePort()}/`
  const unreachable = await doctor(nobody, '--audience', 'orders', '--wait-seconds', '1')
  assert.equal(unreachable.code, 3, unreachable.errors)
  assert.match(unreachable.errors, /^Waiting for .*: it does not answer \(unreachable\)\.$/m)
  assert.match(unreachable.errors, /a valid token does not pass at .*: it does not answer/)
})
