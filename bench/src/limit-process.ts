import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { hash, verify } from '@node-rs/argon2'
import { openRotatingStore } from './identity-store.ts'
import type { ServedAlgorithm } from './identity-server.ts'
import type { Sample } from './findings.ts'
import { contestant } from './rounds.ts'
import { answerQuestions } from './worker.ts'

/** What the machine can do at most of one part of the work, on the core that the servers have. */
export type Limit =
  | { readonly kind: 'sign'; readonly algorithm: ServedAlgorithm }
  | { readonly kind: 'check-password'; readonly cost: PasswordCost }
  | {
      readonly kind: 'rotate'
      readonly database: string
      readonly sessionIds: readonly string[]
    }

export interface PasswordCost {
  readonly memoryCost: number
  readonly timeCost: number
  readonly parallelism: number
}

export type LimitQuestion =
  | { readonly kind: 'limit'; readonly limit: Limit }
  | { readonly kind: 'sample'; readonly ms: number }

let work: (times: number) => void | Promise<void> = () => undefined

answerQuestions(async (asked): Promise<Sample> => {
  const question = asked as LimitQuestion
  if (question.kind === 'sample') return contestant('', { work }).sample(question.ms)
  work = await workOf(question.limit)
  return { wallUs: 0, cpuUs: 0 }
})

async function workOf(limit: Limit): Promise<typeof work> {
  switch (limit.kind) {
    case 'sign':
      return signing(limit.algorithm)
    case 'check-password':
      return checking(limit.cost)
    case 'rotate':
      return rotating(limit)
  }
}

/** As long as what is signed of an access token of ours. */
const signedBytes = 500

function signing(algorithm: ServedAlgorithm): typeof work {
  const { privateKey } =
    algorithm === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const input = randomBytes(signedBytes)
  return (times) => {
    for (let left = times; left > 0; left -= 1) {
      if (sign('sha256', input, privateKey).length === 0) throw new Error('nothing was signed')
    }
  }
}

async function checking(cost: PasswordCost): Promise<typeof work> {
  const password = 'correct horse battery staple'
  const passwordHash = await hash(password, cost)
  return async (times) => {
    for (let left = times; left > 0; left -= 1) {
      if (!(await verify(passwordHash, password))) throw new Error('a password does not match')
    }
  }
}

/** As many at once as there are connections under load. */
const atOnce = 16

/** Every session in turn, as under load: none twice within the grace window. */
async function rotating({
  database,
  sessionIds,
}: Extract<Limit, { kind: 'rotate' }>): Promise<typeof work> {
  const store = await openRotatingStore(database)
  let next = 0
  const rotateNext = (): Promise<void> => {
    const counter = Math.floor(next / sessionIds.length)
    const sessionId = sessionIds[next % sessionIds.length] ?? ''
    next += 1
    return store.rotate(sessionId, counter)
  }
  return async (times) => {
    for (let left = times; left > 0; left -= atOnce) {
      await Promise.all(Array.from({ length: Math.min(left, atOnce) }, rotateNext))
    }
  }
}
