import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { Verifier } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import { authenticate } from '@portcullis/verify/fetch'
import { fingerprintOf, fingerprintOfWords, visitRecords } from '@portcullis/protocol/revocations'
import { audience } from './identity-server.ts'
import { nowMs } from './shared-clock.ts'
import { answerQuestions } from './worker.ts'

/** Where the feed is read, which may be another node than the one that revokes. */
export interface FollowedNode {
  readonly issuer: string
  readonly origin: string
}

export type FollowerQuestion =
  | (FollowedNode & {
      readonly kind: 'follow'
      readonly followers: number
      /** Only to hear of it, which is what identity and the way to it take. */
      readonly isBare: boolean
    })
  /** Every follower must accept the token. From then on it is asked again whenever something was revoked. */
  | { readonly kind: 'accept'; readonly token: string }
  /** Answers when every follower has refused it. */
  | { readonly kind: 'refused' }
  /** A service that fetches what is revoked now and then, as others do. */
  | (FollowedNode & { readonly kind: 'poll'; readonly everyMs: number })
  | { readonly kind: 'expect'; readonly sessionId: string }
  | { readonly kind: 'polled' }

/** When each follower has refused, on the clock that all processes of a machine share. */
export interface FollowerAnswer {
  readonly refusedAtMs: readonly number[]
}

/** One process plays hundreds: those who start are not what is measured. */
const startedAtOnce = 25

const readyMsMax = 60_000
const askedEveryMs = 1_000
/** Longer than anybody who follows may take. */
const refusedMsMax = 40_000

const none: FollowerAnswer = { refusedAtMs: [] }

interface Follower {
  readonly accepts: (token: string) => Promise<boolean>
  /** Resolves with the time of the first 401 for the token. */
  readonly untilRefused: (token: string) => Promise<number>
}

interface Position {
  readonly epoch: string
  readonly seq: number
}

let followers: readonly Follower[] = []
let refusals: readonly Promise<number>[] = []
const expected = new Map<string, (atMs: number) => void>()
let polled: Promise<number>[] = []

answerQuestions(async (asked): Promise<FollowerAnswer> => {
  const question = asked as FollowerQuestion
  switch (question.kind) {
    case 'follow':
      followers = []
      while (followers.length < question.followers) {
        const missing = Math.min(question.followers - followers.length, startedAtOnce)
        const one = question.isBare ? hear : follow
        const started = Array.from({ length: missing }, () => one(question))
        followers = [...followers, ...(await Promise.all(started))]
      }
      return none
    case 'accept': {
      const { token } = question
      // A service remembers a token that comes twice.
      for (const { accepts } of [...followers, ...followers]) {
        if (!(await accepts(token))) throw new Error('a follower refuses a good token')
      }
      refusals = followers.map((follower) => follower.untilRefused(token))
      return none
    }
    case 'refused':
      return { refusedAtMs: await Promise.all(refusals) }
    case 'poll':
      void poll(question)
      return none
    case 'expect':
      polled.push(new Promise((resolve) => expected.set(question.sessionId, resolve)))
      return none
    case 'polled': {
      const refusedAtMs = await Promise.all(polled)
      polled = []
      return { refusedAtMs }
    }
  }
})

/** A service with a verifier of its own; what it answers to a request is what counts. */
async function follow({ issuer: of, origin }: FollowedNode): Promise<Follower> {
  const listeners = new Set<() => void>()
  const verifier = createVerifier({
    issuer: of,
    audience,
    fetch: (url, init) => fetch(url.replace(of, origin), init),
    onRevoked: () => {
      for (const listener of listeners) listener()
    },
  })
  await untilReady(verifier)
  const service = authenticate(verifier)(() => new Response('an order'))
  const statusFor = async (token: string): Promise<number> => {
    const headers = { authorization: `Bearer ${token}` }
    return (await service(new Request(`http://orders.example/`, { headers }))).status
  }
  return {
    accepts: async (token) => (await statusFor(token)) === 200,
    untilRefused: (token) => {
      const { promise, resolve, reject } = Promise.withResolvers<number>()
      const ask = async (): Promise<void> => {
        if ((await statusFor(token)) !== 401) return
        listeners.delete(listen)
        clearTimeout(timer)
        clearInterval(again)
        resolve(nowMs())
      }
      const listen = (): void => void ask().catch(reject)
      const timer = setTimeout(() => reject(new Error('a follower has not refused')), refusedMsMax)
      // A service that is told nothing refuses by itself in the end.
      const again = setInterval(listen, askedEveryMs)
      listeners.add(listen)
      return promise
    },
  }
}

/** A connection whose other end takes the time at which a frame brings records, and does nothing with it. */
async function hear({ origin }: FollowedNode): Promise<Follower> {
  const snapshot = await (await fetch(`${origin}/revocations/snapshot`)).text()
  const [, payload = ''] = snapshot.slice(0, snapshot.indexOf('\n')).split('.')
  const { epoch, seq } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Position
  const asked = get(`${origin}/revocations/stream?after=${epoch}:${seq}`, { agent: false })
  const [stream] = (await once(asked, 'response')) as [IncomingMessage]
  if (stream.statusCode !== 200) throw new Error(`the stream answered ${stream.statusCode}`)
  stream.setEncoding('latin1')
  return {
    accepts: async () => true,
    untilRefused: () => {
      const { promise, resolve } = Promise.withResolvers<number>()
      const look = (text: string): void => {
        if (!/"records":"[^"]/.test(text)) return
        stream.off('data', look)
        resolve(nowMs())
      }
      stream.on('data', look)
      return promise
    },
  }
}

/** As a service that is started tries again, whose issuer has a thousand others to answer. */
async function untilReady(verifier: Pick<Verifier, 'ready'>): Promise<void> {
  const deadline = performance.now() + readyMsMax
  for (;;) {
    try {
      return await verifier.ready()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await wait(200 + Math.random() * 200)
    }
  }
}

/** The plain way: fetch everything that is revoked, and look the session up. The fetch is ours, so it is quick. */
async function poll({
  issuer,
  origin,
  everyMs,
}: FollowedNode & { readonly everyMs: number }): Promise<never> {
  for (;;) {
    const response = await fetch(`${origin}/revocations/snapshot`)
    const body = Buffer.from(await response.arrayBuffer())
    if (response.status !== 200) throw new Error(`the snapshot answered ${response.status}`)
    const known = new Set<bigint>()
    visitRecords(body.subarray(body.indexOf('\n') + 1), (_kind, words) => {
      known.add(fingerprintOfWords(words))
    })
    for (const [sessionId, tell] of expected) {
      if (!known.has(fingerprintOf(issuer, 'session', sessionId))) continue
      expected.delete(sessionId)
      tell(nowMs())
    }
    await wait(everyMs)
  }
}
