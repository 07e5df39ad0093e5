import { createHash } from 'node:crypto'
import { nkeys } from '@nats-io/transport-node'

type Pair = ReturnType<typeof nkeys.createUser>

/** A NATS system where each user has what its token allows, and the credentials of two of them. */
export interface NatsUsers {
  /** For the file of the server. */
  readonly configuration: string
  /** What a `.creds` file holds, by the name of the user. */
  readonly credentials: (name: string, publish: readonly string[]) => string
}

const unlimited = { subs: -1, data: -1, payload: -1 }
const unlimitedAccount = {
  ...unlimited,
  imports: -1,
  exports: -1,
  wildcards: true,
  conn: -1,
  leaf: -1,
  mem_storage: -1,
  disk_storage: -1,
  streams: -1,
  consumer: -1,
}

export function createNatsUsers(): NatsUsers {
  const operator = nkeys.createOperator()
  const account = nkeys.createAccount()
  const system = nkeys.createAccount()
  const operatorToken = tokenOf(operator, operator, 'operator', {
    system_account: system.getPublicKey(),
  })
  const accountToken = tokenOf(operator, account, 'account', { limits: unlimitedAccount })
  const systemToken = tokenOf(operator, system, 'account', {
    limits: { ...unlimitedAccount, mem_storage: 0, disk_storage: 0, streams: 0, consumer: 0 },
  })
  return {
    configuration: `
      operator: ${operatorToken}
      system_account: ${system.getPublicKey()}
      resolver: MEMORY
      resolver_preload: {
        ${account.getPublicKey()}: ${accountToken}
        ${system.getPublicKey()}: ${systemToken}
      }
    `,
    credentials: (name, publish) => {
      const user = nkeys.createUser()
      const claims = { ...unlimited, pub: { allow: publish }, sub: { allow: ['_INBOX.>'] }, name }
      const token = tokenOf(account, user, 'user', claims)
      const seed = Buffer.from(user.getSeed()).toString()
      return [
        `-----BEGIN NATS USER JWT-----\n${token}\n------END NATS USER JWT------\n`,
        `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
      ].join('\n')
    },
  }
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Tokens of NATS, which have an algorithm of their own and their meaning in the member `nats`. */
function tokenOf(signer: Pair, subject: Pair, type: string, meaning: object): string {
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
