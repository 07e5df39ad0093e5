import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import type { Verifier } from '@portcullis/verify'
import { createVerifier, requireScope } from '@portcullis/verify'
import { authenticate } from '@portcullis/verify/fetch'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer, untilApplied } from '@portcullis/verify/testing'

/**
 * What a service does with the SDK, as one program. It is not a part of the workspace when it runs: see
 * `check-installed.ts`.
 */
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const

for (const algorithm of algorithms) {
  const issuer = await createTestIssuer({ algorithm })
  const verifier = createVerifier({ issuer: issuer.issuer, audience: 'orders' })
  try {
    await verifier.ready()
    await lifeOfToken(issuer, verifier)
    await requestsThrough(issuer, verifier)
  } finally {
    await verifier.close()
    await issuer.close()
  }
}
const count = await importEveryEntry()
process.stdout.write(`${algorithms.length} algorithms, ${count} entries\n`)

async function lifeOfToken(issuer: TestIssuer, verifier: Verifier): Promise<void> {
  const sid = 'Zm9vYmFyYmF6cXV4MTIzNA'
  const token = issuer.mint({ sid })
  const auth = await verifier.verify(token)
  assert.equal(auth.claims.sid, sid)
  issuer.rotate()
  await verifier.verify(issuer.mint())
  const watch = verifier.watch(auth)

  await untilApplied(verifier, issuer.revoke({ sid }))
  await assert.rejects(verifier.verify(token), { code: 'invalid-token', reason: 'revoked' })
  assert.ok(watch.signal.aborted)
  const forged = issuer.forge({ signature: 'stranger' })
  await assert.rejects(verifier.verify(forged), { code: 'invalid-token', reason: 'bad-signature' })
}

async function requestsThrough(issuer: TestIssuer, verifier: Verifier): Promise<void> {
  const guard = authenticate(verifier)
  const list = guard(
    (_request, auth) => Response.json(auth.claims.sub),
    requireScope('orders:read'),
  )
  const statusFor = async (headers: Readonly<Record<string, string>>): Promise<number> =>
    (await list(new Request('http://localhost/orders', { headers }))).status
  assert.equal(await statusFor({}), 401)
  assert.equal(await statusFor({ authorization: `Bearer ${issuer.mint()}` }), 200)
  const other = issuer.mint({ scope: 'orders:write' })
  assert.equal(await statusFor({ authorization: `Bearer ${other}` }), 403)
}

/** An entry may miss the framework that it is for, which is an optional peer, and nothing else. */
async function importEveryEntry(): Promise<number> {
  const entries = ['@portcullis/protocol', '@portcullis/verify'].flatMap((name) => {
    const text = readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), 'utf8')
    const { exports, peerDependencies = {} }: Manifest = JSON.parse(text)
    const peers = Object.keys(peerDependencies)
    return Object.keys(exports).map((entry) => ({ entry: name + entry.slice(1), peers }))
  })
  assert.ok(entries.length >= 9, 'the entries were not found')
  for (const { entry, peers } of entries) {
    await import(entry).catch((error: NodeJS.ErrnoException) => {
      const isPeer = peers.some((peer) => error.message.includes(`package '${peer}'`))
      if (error.code !== 'ERR_MODULE_NOT_FOUND' || !isPeer) throw error
      process.stdout.write(`${entry} needs its framework; `)
    })
  }
  return entries.length
}

interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}
