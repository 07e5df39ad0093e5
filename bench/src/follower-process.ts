import { setTimeout as wait } from 'node:timers/promises'
import { fingerprintOf, fingerprintOfWords, visitRecords } from '@portcullis/protocol/revocations'
import type { FeedWay, FollowedNode, Follower } from './follower.ts'
import { follow, hear } from './follower.ts'
import { nowMs } from './shared-clock.ts'
import { answerQuestions } from './worker.ts'

export interface FollowRequest extends FollowedNode {
  readonly way: FeedWay
  readonly followers: number
  /** Only to hear of it, which is what identity and the way to it take. */
  readonly isBare: boolean
}

export type FollowerQuestion =
  | ({ readonly kind: 'follow' } & FollowRequest)
  /** Every follower must accept the token. From then on it is asked again whenever something was revoked. */
  | { readonly kind: 'accept'; readonly token: string }
  /** Answers when every follower has refused it. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'leave' }
  /** A service that fetches what is revoked now and then, as others do. */
  | (FollowedNode & { readonly kind: 'poll'; readonly everyMs: number })
  | { readonly kind: 'expect'; readonly sessionId: string }
  | { readonly kind: 'polled' }

export interface FollowerAnswer {
  /** When each follower has refused, on the clock that all processes of a machine share. */
  readonly refusedAtMs: readonly number[]
  /** Of those who leave, so many have not read where they should have. */
  readonly strays: number
}

/** One process plays hundreds: those who start are not what is measured. */
const startedAtOnce = 25

const none: FollowerAnswer = { refusedAtMs: [], strays: 0 }

let followers: readonly Follower[] = []
let refusals: readonly Promise<number>[] = []
const expected = new Map<string, (atMs: number) => void>()
let polled: Promise<number>[] = []

answerQuestions(async (asked): Promise<FollowerAnswer> => {
  const question = asked as FollowerQuestion
  switch (question.kind) {
    case 'follow':
      await startFollowers(question)
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
      return { ...none, refusedAtMs: await Promise.all(refusals) }
    case 'leave': {
      const stayed = await Promise.all(followers.map(({ leave }) => leave()))
      followers = []
      return { ...none, strays: stayed.filter((isThere) => !isThere).length }
    }
    case 'poll':
      void poll(question)
      return none
    case 'expect':
      polled.push(new Promise((resolve) => expected.set(question.sessionId, resolve)))
      return none
    case 'polled': {
      const refusedAtMs = await Promise.all(polled)
      polled = []
      return { ...none, refusedAtMs }
    }
  }
})

async function startFollowers(request: FollowRequest): Promise<void> {
  const startOne = (): Promise<Follower> =>
    request.isBare ? hear(request) : follow(request, request.way)
  while (followers.length < request.followers) {
    const missing = Math.min(request.followers - followers.length, startedAtOnce)
    const started = Array.from({ length: missing }, startOne)
    followers = [...followers, ...(await Promise.all(started))]
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
