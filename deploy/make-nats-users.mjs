import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { nkeys } from '@nats-io/transport-node'

/**
 * Makes a NATS system where identity alone may publish the revocation feed, and services may read it:
 * `node make-nats-users.mjs FOLDER`. What each is allowed stands in docs/relays.md. The keys of operator and account
 * are forgotten: for another user make all of them anew.
 */
const [, , folder] = process.argv
if (folder === undefined) {
  process.stderr.write('usage: make-nats-users.mjs FOLDER\n')
  process.exit(2)
}

const stream = 'portcullis-revocations'
const allowed = {
  identity: [
    stream,
    '$JS.API.INFO',
    `$JS.API.STREAM.*.${stream}`,
    `$JS.API.STREAM.MSG.GET.${stream}`,
  ],
  service: [
    `$JS.API.STREAM.INFO.${stream}`,
    `$JS.API.CONSUMER.*.${stream}.>`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.>`,
  ],
}

const unlimited = { subs: -1, data: -1, payload: -1 }
const limits = { ...unlimited, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 }
const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 }

const operator = nkeys.createOperator()
const account = nkeys.createAccount()
const system = nkeys.createAccount()
const tokens = {
  operator: tokenOf(operator, operator, 'operator', { system_account: system.getPublicKey() }),
  account: tokenOf(operator, account, 'account', { limits: { ...limits, ...storage } }),
  system: tokenOf(operator, system, 'account', { limits }),
}

// No file that is there is written over.
write(
  'nats.conf',
  `port: 4222
jetstream: { store_dir: /data }
operator: ${tokens.operator}
system_account: ${system.getPublicKey()}
resolver: MEMORY
resolver_preload: {
  ${account.getPublicKey()}: ${tokens.account}
  ${system.getPublicKey()}: ${tokens.system}
}
`,
)
for (const [name, publish] of Object.entries(allowed)) {
  write(`nats-${name}.creds`, credentialsOf(name, publish))
}

function credentialsOf(name, publish) {
  const user = nkeys.createUser()
  const permissions = { pub: { allow: publish }, sub: { allow: ['_INBOX.>'] } }
  const token = tokenOf(account, user, 'user', { ...unlimited, ...permissions, name })
  const seed = Buffer.from(user.getSeed()).toString()
  return [
    `-----BEGIN NATS USER JWT-----\n${token}\n------END NATS USER JWT------\n`,
    `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
  ].join('\n')
}

/** Tokens of NATS, which have an algorithm of their own and their meaning in the member `nats`. */
function tokenOf(signer, subject, type, meaning) {
  const claims = {
    jti: createHash('sha256').update(subject.getPublicKey()).digest('hex'),
    iat: Math.floor(Date.now() / 1000),
    iss: signer.getPublicKey(),
    sub: subject.getPublicKey(),
    name: type,
    nats: { ...meaning, type, version: 2 },
  }
  const signed = `${encode({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encode(claims)}`
  const signature = Buffer.from(signer.sign(Buffer.from(signed))).toString('base64url')
  return `${signed}.${signature}`
}

function encode(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function write(name, content) {
  writeFileSync(join(folder, name), content, { mode: 0o600, flag: 'wx' })
}
