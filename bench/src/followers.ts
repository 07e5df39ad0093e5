import type { FeedWay, FollowedNode } from './follower.ts'
import type { FollowerAnswer, FollowerQuestion } from './follower-process.ts'
import type { Worker } from './worker.ts'
import { startWorker } from './worker.ts'

/** Services in processes of their own, which have every core. */
export interface Followers {
  /** So many from now on, shared out among the processes. */
  readonly follow: (request: FollowRequest) => Promise<void>
  /** Rejects unless everybody lets the token in. */
  readonly accept: (token: string) => Promise<void>
  /** Of each follower, when nobody lets in the token that was accepted last. */
  readonly refusedAtMs: () => Promise<readonly number[]>
  /** Answers how many have not read the feed where they should have, to the end. */
  readonly leave: () => Promise<number>
  readonly end: () => Promise<void>
}

export interface FollowRequest {
  readonly node: FollowedNode
  /** Default: the issuer. */
  readonly way?: FeedWay | undefined
  readonly followers: number
  readonly isBare?: boolean | undefined
}

export type FollowerWorker = Worker<FollowerQuestion, FollowerAnswer>

export function startFollowers(processes: number): Followers {
  const workers = Array.from({ length: processes }, startFollowerWorker)
  let following = 0
  const askAll = (question: FollowerQuestion): Promise<readonly FollowerAnswer[]> =>
    Promise.all(workers.map((worker) => worker.ask(question)))
  return {
    follow: async ({ node, way = { kind: 'issuer' }, followers, isBare = false }) => {
      const share = { kind: 'follow', way, followers: followers / processes, isBare } as const
      await askAll({ ...share, ...node })
      following = followers
    },
    accept: async (token) => void (await askAll({ kind: 'accept', token })),
    refusedAtMs: async () => {
      const answers = await askAll({ kind: 'refused' })
      const all = answers.flatMap(({ refusedAtMs }) => refusedAtMs)
      if (all.length !== following) throw new Error(`${all.length} followers have answered`)
      return all
    },
    leave: async () => {
      const answers = await askAll({ kind: 'leave' })
      return answers.reduce((sum, { strays }) => sum + strays, 0)
    },
    end: async () => {
      for (const { end } of workers) await end()
    },
  }
}

export function startFollowerWorker(): FollowerWorker {
  return startWorker({ file: './follower-process.ts', parameters: [] })
}
