import { sharedSecretAlgorithm } from '@portcullis/protocol/jws'
import { createProblem } from '@portcullis/runtime'
import type { FastifyReply } from 'fastify'
import type { KeyFacts, KeyProspect } from '../domain/key-life.ts'
import type { RotatedKeys } from '../domain/key-upkeep.ts'
import type { Keyring } from '../domain/keyring.ts'
import type { KeyWithdrawalOutcome } from '../domain/key-withdrawal.ts'
import { keyAlgorithms } from '../domain/registry.ts'
import type { SharedSecrets } from '../domain/shared-secrets.ts'
import { decisionBody, reasonText } from './body-fields.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { instant } from './moments.ts'
import { sendOverruled, sendProblem } from './problems.ts'
import type { HttpServer } from './server.ts'

export interface AdminKeysParts {
  readonly issuer: string
  readonly callers: Callers
  readonly keyring: Pick<Keyring, 'list' | 'prospects' | 'rotate' | 'withdraw'>
  readonly sharedSecrets: SharedSecrets | undefined
}

/** Which keys; without it those that sign access tokens, of every algorithm. */
const rotationBody = {
  type: ['object', 'null'],
  additionalProperties: false,
  properties: {
    purpose: { enum: ['access-token', 'feed'] },
    algorithm: { enum: keyAlgorithms },
    reason: reasonText,
  },
} as const

/** The keys that access tokens and checkpoints are signed with; never their private halves. */
export function addAdminKeys(app: HttpServer, parts: AdminKeysParts): void {
  const { issuer, callers, keyring } = parts

  app.get(pathAtIssuer(issuer, '/admin/keys'), async (request) => {
    await callers.requireAdministrator(request)
    return keysAnswer(parts)
  })

  const schema = { body: rotationBody }
  app.post(pathAtIssuer(issuer, '/admin/keys/rotate'), { schema }, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const outcome = await keyring.rotate({ ...request.body, actor })
    request.log.info(
      { event: 'authz_admin', actor: actor.accountId, outcome: outcome.kind },
      'key rotation by command',
    )
    return outcome.kind === 'rotated'
      ? reply.send(await keysAnswer(parts))
      : refuseRotation(reply, outcome)
  })

  addWithdrawal(app, parts)
}

const kidPath = {
  type: 'object',
  properties: { kid: { type: 'string', minLength: 1, maxLength: 64 } },
  required: ['kid'],
} as const

function addWithdrawal(app: HttpServer, parts: AdminKeysParts): void {
  const { issuer, callers, keyring } = parts
  const schema = { params: kidPath, body: decisionBody }
  const path = pathAtIssuer(issuer, '/admin/keys/:kid/withdraw')
  app.post(path, { schema }, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const { kid } = request.params
    const outcome = await keyring.withdraw({ kid, actor, reason: request.body.reason })
    const facts = { event: 'authz_admin', actor: actor.accountId, outcome: outcome.kind }
    request.log.warn(facts, 'withdrawal of a signing key by command')
    const refusal = refuseWithdrawal(reply, outcome)
    if (refusal !== undefined) return refusal
    const position = outcome.kind === 'withdrawn' ? outcome.position : undefined
    const keys = await keysAnswer(parts)
    return reply.send({ ...keys, ...(position && { revocation: position }) })
  })
}

function refuseWithdrawal(
  reply: FastifyReply,
  { kind }: KeyWithdrawalOutcome,
): FastifyReply | undefined {
  switch (kind) {
    case 'unknown-key':
      return sendProblem(reply, createProblem('not-found', 'no key has this kid'))
    case 'superseded':
      return sendOverruled(reply)
    case 'withdrawn':
    case 'gone-before':
      return undefined
  }
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

async function keysAnswer({ keyring, sharedSecrets }: AdminKeysParts): Promise<object> {
  const [keys, prospects] = [await keyring.list(), await keyring.prospects()]
  // They live as long as this process is told them, so nobody knows since when.
  const shared = (sharedSecrets ?? []).map(({ kid }, at) => ({
    kid,
    purpose: 'access-token',
    algorithm: sharedSecretAlgorithm,
    state: at === 0 ? 'active' : 'retiring',
  }))
  return { keys: [...keys.map((key) => membersOf(key, prospects.get(key.kid))), ...shared] }
}

function membersOf(key: KeyFacts, prospect: KeyProspect = {}): object {
  return {
    kid: key.kid,
    purpose: key.purpose,
    algorithm: key.algorithm,
    state: key.state,
    created_at: instant(key.createdAt),
    activated_at: instant(key.activatedAt),
    retired_at: instant(key.retiredAt),
    destroyed_at: instant(key.destroyedAt),
    may_sign_at: instant(prospect.maySignAt),
    rotates_at: instant(prospect.rotatesAt),
    kept_until: instant(prospect.keptUntil),
    withdrawn_at: key.state === 'withdrawn' ? instant(key.destroyedAt) : undefined,
  }
}
