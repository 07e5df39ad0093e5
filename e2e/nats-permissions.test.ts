import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connect, credsAuthenticator } from '@nats-io/transport-node'
import { createVerifier } from '@portcullis/verify'
import { createJetStreamFeed } from '@portcullis/verify/nats'
import { howToGet, natsServer } from '../tools/debian-packages.ts'
import { startNatsServer } from '../tools/nats-server.ts'
import { startLoneIssuer } from './lone-issuer.ts'
import { createNatsUsers } from './nats-users.ts'
import { newFolder, removeFolder } from './running-system.ts'

const skip = natsServer.find() === undefined ? howToGet(natsServer) : false

/** What `docs/relays.md` says that a user may publish. */
function permissionsOf(user: string): readonly string[] {
  const page = readFileSync(fileURLToPath(new URL('../docs/relays.md', import.meta.url)), 'utf8')
  const row = page.split('\n').find((line) => line.trim().startsWith(`| ${user} `)) ?? ''
  return [...row.matchAll(/`([^`]+)`/g)].map(([, subject = '']) => subject)
}

test(
  'with the permissions of the documentation identity publishes, and a service reads and cannot write',
  { skip },
  async () => {
    const folder = newFolder()
    const users = createNatsUsers()
    const broker = await startNatsServer({ configuration: users.configuration })
    const credentialsFile = join(folder, 'identity.creds')
    const [ofIdentity, ofService] = [permissionsOf('identity'), permissionsOf('a service')]
    assert.deepEqual([ofIdentity.length, ofService.length], [4, 3])
    writeFileSync(credentialsFile, users.credentials('identity', ofIdentity))
    const identity = await startLoneIssuer({
      nats: { servers: [broker.address], credentialsFile },
    })
    const connection = await connect({
      servers: broker.address,
      authenticator: credsAuthenticator(Buffer.from(users.credentials('orders', ofService))),
    })
    const verifier = createVerifier({
      issuer: identity.issuer,
      audience: 'orders',
      revocation: { broker: createJetStreamFeed({ connection }) },
    })
    try {
      await verifier.ready()
      // It is tried also where nothing comes: what counts is what came while it was read.
      let before = 0
      for (let looks = 0; ; looks += 1) {
        const health = verifier.revocation()
        assert.ok(health.followed)
        if (health.source !== 'broker') before = health.counts.framesApplied
        if (health.counts.framesApplied >= before + 3) break
        assert.ok(looks < 200, JSON.stringify(health))
        await setTimeout(100)
      }
      const errors: string[] = []
      const watch = async (): Promise<void> => {
        for await (const status of connection.status()) {
          if (status.type === 'error') errors.push(status.error.message)
        }
      }
      watch().catch(() => undefined)
      connection.publish('portcullis-revocations', '{}')
      await connection.flush()
      for (let looks = 0; errors.length === 0 && looks < 100; looks += 1) await setTimeout(20)
      assert.match(errors[0] ?? '', /Permissions Violation for Publish to "portcullis-revocations"/)
    } finally {
      await verifier.close()
      await connection.close()
      await identity.stop()
      await broker.remove()
      removeFolder(folder)
    }
  },
)
