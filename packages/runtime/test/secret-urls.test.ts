import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holdsPassword, redactPassword } from '../src/index.ts'

/** What is shown of each; the word hunter2 is the secret. */
const addresses: Readonly<Record<string, string>> = {
  'sqlite:identity.db': 'sqlite:identity.db',
  'nats://broker.example:4222': 'nats://broker.example:4222',
  'nats://hunter2@broker.example:4222': 'nats://redacted@broker.example:4222',
  'nats://user:hunter2@broker.example': 'nats://user:redacted@broker.example',
  'tls://hunter2@broker.example': 'tls://redacted@broker.example',
  'hunter2@broker.example:4222': 'redacted',
  'nats://hunter2@one.example,nats://hunter2@two.example': 'nats:redacted',
  'https://hunter2@collector.example/v1': 'https://redacted@collector.example/v1',
  'smtps://mailer:hunter2@mail.example': 'smtps://mailer:redacted@mail.example',
  'smtps://hunter2@mail.example': 'smtps://redacted@mail.example',
  'smtps://:hunter2@mail.example': 'smtps://:redacted@mail.example',
  'postgres://identity:hunter2@db.example/identity':
    'postgres://identity:redacted@db.example/identity',
}

test('what stands before an @ is shown where it is the name beside a password, and else is a secret itself', () => {
  for (const [address, shown] of Object.entries(addresses)) {
    assert.equal(redactPassword(address), shown)
    assert.equal(holdsPassword(address), address !== shown, address)
    assert.ok(!shown.includes('hunter2'))
  }
})

test('a user of PostgreSQL who shows a certificate has a name and no secret', () => {
  for (const address of [
    'postgres://identity@db.example/x',
    'postgresql://identity@db.example/x',
  ]) {
    assert.equal(redactPassword(address), address)
    assert.equal(holdsPassword(address), false)
  }
})
