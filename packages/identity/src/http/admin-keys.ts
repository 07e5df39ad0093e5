import { createProblem } from '@portcullis/protocol'
import type { FastifyReply } from 'fastify'
import type { KeyFacts } from '../domain/key-life.ts'
import type { RotatedKeys } from '../domain/key-upkeep.ts'
import type { Keyring } from '../domain/keyring.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { sendOverruled, sendProblem } from './problems.ts'
import type { HttpServer } from './server.ts'

export interface AdminKeysParts {
  readonly issuer: string
  readonly callers: Callers
  readonly keyring: Pick<Keyring, 'list' | 'rotate'>
}

/** Which keys; without it those that sign access tokens, of every algorithm. */
const rotationBody = {
  type: ['object', 'null'],
  additionalProperties: false,
  properties: {
    purpose: { enum: ['access-token', 'feed'] },
    algorithm: { enum: ['RS256', 'PS256', 'ES256', 'EdDSA'] },
  },
} as const

/** The keys that access tokens and checkpoints are signed with; never their private halves. */
export function addAdminKeys(app: HttpServer, parts: AdminKeysParts): void {
  const { issuer, callers, keyring } = parts

  app.get(pathAtIssuer(issuer, '/admin/keys'), async (request) => {
    await callers.requireAdministrator(request)
    return keysAnswer(await keyring.list())
  })

  const schema = { body: rotationBody }
  app.post(pathAtIssuer(issuer, '/admin/keys/rotate'), { schema }, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const outcome = await keyring.rotate({ ...request.body, actor })
    request.log.info({ actor: actor.accountId, outcome: outcome.kind }, 'key rotation by command')
    return outcome.kind === 'rotated'
      ? reply.send(keysAnswer(await keyring.list()))
      : refuseRotation(reply, outcome)
  })
}

function refuseRotation(
  reply: FastifyReply,
  outcome: Exclude<RotatedKeys, { readonly kind: 'rotated' }>,
): FastifyReply {
  switch (outcome.kind) {
    case 'too-early': {
      const when = new Date(outcome.mayAt).toISOString()
      reply.header('retry-after', Math.max(1, Math.ceil(outcome.waitMs / 1000)))
      return sendProblem(
        reply,
        createProblem('too-early', `the waiting key may not sign before ${when}`),
      )
    }
    case 'superseded':
      return sendOverruled(reply)
    case 'unknown-algorithm':
      return sendProblem(reply, createProblem('not-found', 'no key has this algorithm'))
    case 'unopenable':
      return sendProblem(
        reply,
        createProblem('internal', `the key ${outcome.kid} is ${outcome.why}`),
      )
  }
}

function keysAnswer(keys: readonly KeyFacts[]): object {
  return { keys: keys.map(membersOf) }
}

function membersOf(key: KeyFacts): object {
  return {
    kid: key.kid,
    purpose: key.purpose,
    algorithm: key.algorithm,
    state: key.state,
    created_at: instant(key.createdAt),
    activated_at: instant(key.activatedAt),
    retired_at: instant(key.retiredAt),
    destroyed_at: instant(key.destroyedAt),
  }
}

function instant(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString()
}
