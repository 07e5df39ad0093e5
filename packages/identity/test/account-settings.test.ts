import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StartError } from '@portcullis/runtime'
import { chooseMailer } from '../src/account-mail.ts'
import { selfRegistrationOf } from '../src/self-registration.ts'
import { linkTargetsOf } from '../src/domain/account-links.ts'
import type { IdentitySettings } from '../src/index.ts'
import { parseIdentitySettings } from '../src/index.ts'
import { resolveSettings } from '../src/settings/in-force.ts'
import { parseSmtpUrl } from '../src/settings/smtp-url.ts'
import { ordersAndReviews } from './running-identity.ts'

function read(members: object): IdentitySettings {
  return parseIdentitySettings({ ...ordersAndReviews, ...members }, 'the test')
}

function withClaims(claims: object, others: object = {}): object {
  const { orders, reviews, payments } = ordersAndReviews.audiences
  return {
    audiences: { orders: { ...orders, claims }, reviews: { ...reviews, claims: others }, payments },
  }
}

const from = 'no-reply@id.example'
const mistakes: readonly (readonly [object, RegExp])[] = [
  [{ accounts: { selfRegistration: 'yes' } }, /\/accounts\/selfRegistration /],
  [{ accounts: { defaultRoles: ['king'] } }, /\/accounts\/defaultRoles king is not a role/],
  [{ accounts: { defaultRoles: ['identity-admin'] } }, /identity-admin is not for strangers/],
  [{ mail: { smtpUrl: 'smtps://mail.example' } }, /\/mail\/smtpUrl needs mail\.from beside it/],
  [{ mail: { smtpUrl: 'https://mail.example', from } }, /\/mail\/smtpUrl is not smtps/],
  [{ mail: { smtpUrl: 'smtps://u:secret@mail.example', from } }, /must hold no password/],
  [
    { mail: { smtpUrl: 'smtps://mail.example?tls.rejectUnauthorized=false', from } },
    /must end behind/,
  ],
  [{ mail: { from: 'Portcullis <no-reply@id.example>' } }, /\/mail\/from /],
  [{ links: { reset: 'https://app.example/reset' } }, /\/links\/reset must have \{token\} once/],
  [{ links: { reset: 'https://app.example/{token}' } }, /in its query or/],
  [{ links: { reset: 'https://app.example/#{token}{token}' } }, /once/],
  [
    { links: { verifyEmail: 'http://app.example/#{token}' } },
    /\/links\/verifyEmail must be an https URL/,
  ],
  [{ links: { reset: 'javascript:alert(1)#{token}' } }, /must be an https URL/],
  [{ links: { reset: 'https://u:p@app.example/#{token}' } }, /without user info/],
  [withClaims({ sub: 'account.attributes.sub' }), /\/audiences\/orders\/claims\/sub has a meaning/],
  [withClaims({ roles: 'account.attributes.roles' }), /has a meaning already/],
  [withClaims({ tenant: 'account.identifier' }), /\/audiences\/orders\/claims\/tenant /],
  [
    withClaims({ 'a b': 'account.attributes.a' }),
    /\/audiences\/orders\/claims\/a b is not a valid name/,
  ],
  [
    withClaims({ t: 'account.attributes.tenant' }, { t: 'account.attributes.team' }),
    /\/audiences\/reviews\/claims\/t is "account\.attributes\.tenant" at another audience/,
  ],
]

test('mistakes about accounts and mail are named, and no secret is repeated', () => {
  assert.ok(mistakes.length > 0)
  for (const [members, expected] of mistakes) {
    assert.throws(
      () => read(members),
      (error) => {
        assert.ok(error instanceof StartError)
        assert.match(error.message, expected)
        return !error.message.includes('secret')
      },
    )
  }
})

test('every claim that says something about a token already is reserved', () => {
  const reserved =
    'iss sub aud exp iat nbf jti client_id auth_time acr amr scope roles sid gen cgen act cnf'
  for (const claim of reserved.split(' ')) {
    assert.throws(
      () => read(withClaims({ [claim]: 'account.attributes.x' })),
      /has a meaning/,
      claim,
    )
  }
})

test('where nothing is said, strangers make accounts and mail is shown on loopback only', () => {
  const production = read({})
  assert.equal(selfRegistrationOf(production), 'closed')
  assert.equal(chooseMailer(production), undefined)
  const development = read({ issuer: 'http://localhost:4000' })
  assert.equal(selfRegistrationOf(development), 'open')
  assert.ok(chooseMailer(development))
  const { reset } = linkTargetsOf('https://id.example', production.links)
  assert.equal(reset, 'https://id.example/account/reset/form?token={token}')
})

test('an issuer that cannot send the mail it needs does not start', () => {
  const byMail = read({ accounts: { selfRegistration: 'by-mail' } })
  assert.throws(() => chooseMailer(byMail), /there is no server for mail/)
})

function readWith(smtpUrl: string): IdentitySettings {
  const { values, otherMistakes } = resolveSettings(
    { ...ordersAndReviews, mail: { from } },
    new Map([['mail.smtpUrl', { text: smtpUrl, from: 'environment', where: 'VARIABLE' }]]),
  )
  assert.doesNotMatch(JSON.stringify(otherMistakes), /sec/)
  assert.deepEqual(otherMistakes.length, smtpUrl.includes('%') ? 1 : 0)
  return { ...read({}), ...values }
}

test('the server of mail comes with its password from the environment, which no message repeats', () => {
  assert.ok(chooseMailer(readWith('smtps://u:secret@mail.example')))
  assert.throws(() => chooseMailer(readWith('smtps://u:sec%ret@mail.example')), TypeError)
})

function securityOf(url: string, isPlain = false): unknown {
  const parsed = parseSmtpUrl(url, isPlain)
  return parsed.kind === 'server' ? [parsed.server.security, parsed.server.port] : parsed.kind
}

test('mail goes over TLS, but on loopback or where it is said by name', () => {
  assert.deepEqual(securityOf('smtps://mail.example'), ['implicit', 465])
  assert.deepEqual(securityOf('smtp://mail.example'), ['starttls', 587])
  assert.deepEqual(securityOf('smtp://mail.example:25', true), ['none', 25])
  assert.deepEqual(securityOf('smtp://localhost:1025'), ['none', 1025])
  assert.deepEqual(securityOf('smtp://[::1]:1025'), ['none', 1025])
  assert.deepEqual(securityOf('smtp://127.0.0.1.evil.example'), ['starttls', 587])
  assert.deepEqual(securityOf('smtps://localhost'), ['implicit', 465])
  for (const url of ['mail.example', 'http://mail.example', 'smtp://', 'smtp://u@mail.example']) {
    assert.equal(securityOf(url), 'malformed', url)
  }
  const parsed = parseSmtpUrl('smtps://us%40er:p%3Aw@mail.example', false)
  assert.ok(parsed.kind === 'server')
  assert.deepEqual(parsed.server.credential, { user: 'us@er', password: 'p:w' })
})
