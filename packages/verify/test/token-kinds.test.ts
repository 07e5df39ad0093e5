import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createHash, randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { JsonObject } from '@portcullis/protocol'
import {
  checkpointType,
  formatFrame,
  parseFrame,
  snapshotType,
} from '@portcullis/protocol/revocations'
import { VerifyError } from '@portcullis/verify'
import { createProofJudge } from '../src/dpop/proof-judge.ts'
import { forgeToken } from '../src/testing/recipe.ts'
import type { ScriptedIssuer } from './scripted-issuer.ts'
import { paths, scriptIssuer } from './scripted-issuer.ts'
import { waitUntil } from './wait-until.ts'

/**
 * RFC 8725bis J21, and ASVS 9.2.2: the kinds of JWT that one issuer signs, or that are sent to it and its services, exclude each
 * other. So that nothing but the kind decides, each text here has the claims of all of them at once, is signed by
 * the very key that the place believes, and has that key's name.
 */
const kinds = [
  'at+jwt',
  'dpop+jwt',
  checkpointType,
  snapshotType,
  // Of an assertion of a client (draft-ietf-oauth-rfc7523bis), and of what came before it had a type.
  'client-authentication+jwt',
  'JWT',
  'secevent+jwt',
  'logout+jwt',
  'id+jwt',
  'oauth-authz-req+jwt',
  'token-introspection+jwt',
] as const

type Kind = (typeof kinds)[number]

const request = { method: 'POST', url: 'https://orders.example/orders', accessToken: 'a.b.c' }

/** Everything that any of the kinds must say. */
function claimsOfAll(issuer: ScriptedIssuer): Readonly<Record<string, unknown>> {
  const iat = Math.floor(Date.now() / 1000)
  return {
    ...decodedPayload(issuer.feed.sign()),
    iss: issuer.issuer,
    sub: 'alice',
    aud: ['orders', issuer.issuer, 'web'],
    iat,
    exp: iat + 60,
    jti: randomUUID(),
    client_id: 'alice',
    azp: 'web',
    nonce: 'n',
    sid: 'S'.repeat(22),
    gen: 0,
    cgen: 0,
    htm: request.method,
    htu: request.url,
    ath: createHash('sha256').update(request.accessToken).digest('base64url'),
    sha256: createHash('sha256').update('').digest('base64url'),
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  }
}

function decodedPayload(jws: string): Readonly<Record<string, unknown>> {
  const [, payload = ''] = jws.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
}

/** By the key that the key set has, which rides in the header too, as that of a proof does. */
function signedBy(issuer: ScriptedIssuer, typ: Kind): string {
  const key = issuer.keys.current()
  const { kid, use: _use, alg, ...jwk } = key.jwk
  const material = { issuer: issuer.issuer, key, claims: claimsOfAll(issuer), now: Date.now }
  return forgeToken({}, { ...material, header: { alg, typ, kid, jwk } })
}

/** By the key of the feed. */
function ofFeed(issuer: ScriptedIssuer, typ: Kind): string {
  return issuer.feed.sign(claimsOfAll(issuer) as JsonObject, undefined, typ)
}

/** The records of the feed under another checkpoint. */
function under(checkpoint: string, { feed }: ScriptedIssuer): string {
  const [, data = ''] = /^data: (.*)$/m.exec(feed.eventAfter(0)) ?? []
  const { records } = parseFrame(data) ?? assert.fail('no frame')
  return `event: records\ndata: ${formatFrame({ records, checkpoint })}\n\n`
}

/** Where a JWT is taken, which kind it must be, and whether this one was taken. */
interface Place {
  readonly name: string
  readonly takes: Kind
  readonly isTaken: (kind: Kind, t: TestContext) => Promise<boolean>
}

const places: readonly Place[] = [
  {
    name: 'as access token',
    takes: 'at+jwt',
    isTaken: async (kind, t) => {
      const issuer = scriptIssuer(t)
      const token = signedBy(issuer, kind)
      return issuer
        .verifier()
        .verify(token)
        .then(
          () => true,
          (error: unknown) => {
            assert.ok(error instanceof VerifyError, String(error))
            assert.equal(error.reason, 'wrong-type')
            return false
          },
        )
    },
  },
  {
    name: 'as DPoP proof',
    takes: 'dpop+jwt',
    isTaken: async (kind, t) => {
      const issuer = scriptIssuer(t)
      const proofs = [signedBy(issuer, kind)]
      const thumbprint = issuer.keys.current().kid
      const judged = await createProofJudge().judge({ ...request, proofs, thumbprint })
      if (judged.kind === 'proven') return true
      assert.ok(judged.kind === 'refused' && judged.why === 'wrong-type', JSON.stringify(judged))
      return false
    },
  },
  {
    name: 'as checkpoint of a frame',
    takes: checkpointType,
    isTaken: async (kind, t) => {
      const issuer = scriptIssuer(t)
      const verifier = await issuer.follow()
      issuer.feed.append({ sid: 'T'.repeat(22) })
      issuer.send(under(ofFeed(issuer, kind), issuer))
      const isApplied = (): boolean => {
        const health = verifier.revocation()
        return health.followed && health.seq === 1
      }
      await waitUntil(() => isApplied() || issuer.asked(paths.snapshot) === 2, 'a judgement')
      // A stream with anything else in it is left, and a snapshot tells the truth.
      return issuer.asked(paths.snapshot) === 1
    },
  },
  {
    name: 'as manifest of a snapshot',
    takes: snapshotType,
    isTaken: async (kind, t) => {
      const issuer = scriptIssuer(t)
      const manifest = ofFeed(issuer, kind)
      issuer.answer(paths.snapshot, () => new Response(`${manifest}\n`))
      return issuer
        .verifier()
        .ready()
        .then(
          () => true,
          () => false,
        )
    },
  },
]

for (const { name, takes, isTaken } of places) {
  test(`RFC 8725bis J21: ${name} only ${takes} is taken, whatever else the issuer has signed`, async (t) => {
    const taken: Kind[] = []
    for (const kind of kinds) if (await isTaken(kind, t)) taken.push(kind)
    assert.deepEqual(taken, [takes])
  })
}
