import type { Worker } from 'node:cluster'
import type { Answer, Answered, Asked, Question } from './questions.ts'
import { listens } from './questions.ts'

/** One worker, as its primary sees it. */
export interface Member {
  /** Its place among the workers, from 1. */
  readonly number: number
  readonly pid: number | undefined
  /** Settles when it can be asked; `gone` when it has ended before. */
  readonly listens: Promise<'listens' | 'gone'>
  readonly ask: (question: Question, msMax: number) => Promise<Answer | NoAnswer>
  readonly ended: Promise<End>
  readonly kill: () => void
}

/** It has ended meanwhile, or did not answer in time. */
export interface NoAnswer {
  readonly kind: 'gone' | 'silent'
}

export interface End {
  /** The exit code, or the signal. */
  readonly how: number | string
  readonly livedMs: number
}

export function createMember(number: number, worker: Worker): Member {
  const startedMs = performance.now()
  const waiting = new Map<number, (answer: Answer | NoAnswer) => void>()
  const listening = Promise.withResolvers<'listens' | 'gone'>()
  const end = Promise.withResolvers<End>()
  let asked = 0
  let isGone = false
  worker.on('message', (message: typeof listens | Answered) => {
    if (message === listens) return listening.resolve('listens')
    waiting.get(message.number)?.(message.answer)
  })
  worker.once('exit', (code, signal) => {
    isGone = true
    for (const answer of waiting.values()) answer({ kind: 'gone' })
    listening.resolve('gone')
    end.resolve({ how: signal ?? code, livedMs: performance.now() - startedMs })
  })
  // A write that crosses its end; the exit tells the same.
  worker.on('error', () => undefined)
  return {
    number,
    pid: worker.process.pid,
    listens: listening.promise,
    ended: end.promise,
    kill: () => void worker.process.kill('SIGKILL'),
    ask: async (question, msMax) => {
      if (isGone) return { kind: 'gone' }
      const { promise, resolve } = Promise.withResolvers<Answer | NoAnswer>()
      const id = (asked += 1)
      waiting.set(id, resolve)
      const message: Asked = { number: id, question }
      worker.send(message, () => undefined)
      const timer = setTimeout(() => resolve({ kind: 'silent' }), msMax)
      const answer = await promise
      clearTimeout(timer)
      waiting.delete(id)
      return answer
    },
  }
}
