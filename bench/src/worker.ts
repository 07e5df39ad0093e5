import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { pinnedNowhere, pinnedTo } from './pinning.ts'

/** A process of ours that answers one question after the other. */
export interface Worker<Question, Answer> {
  readonly ask: (question: Question) => Promise<Answer>
  readonly end: () => Promise<void>
}

export interface WorkerOptions {
  /** Beside this file. */
  readonly file: string
  readonly parameters: readonly string[]
  /** Default: wherever there is room. */
  readonly core?: number
  readonly heapMb?: number
}

export function startWorker<Question extends object, Answer>(
  options: WorkerOptions,
): Worker<Question, Answer> {
  const { file, parameters, core, heapMb = 2_048 } = options
  const flags = [
    '--conditions=@portcullis/source',
    '--expose-gc',
    `--max-old-space-size=${heapMb}`,
    fileURLToPath(new URL(file, import.meta.url)),
  ]
  const whole = [process.execPath, ...flags, ...parameters] as const
  const [command, ...rest] = core === undefined ? pinnedNowhere(whole) : pinnedTo(core, whole)
  const child: ChildProcess = spawn(command, rest, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  const gone = once(child, 'exit')
  const died = gone.then(([code]) => {
    throw new Error(`${file} ended with ${String(code)} before it answered`)
  })
  // Only those who wait for an answer are told.
  died.catch(() => undefined)

  return {
    ask: async (question) => {
      const answered = once(child, 'message')
      child.send(question)
      const [answer] = await Promise.race([answered, died])
      return answer as Answer
    },
    end: async () => {
      child.disconnect()
      await gone
    },
  }
}

/** The other end: answers until the parent goes. Only our own processes talk here. */
export function answerQuestions(answer: (question: unknown) => unknown): void {
  process.on('message', (question) => {
    void Promise.resolve(answer(question)).then((answered) => process.send?.(answered))
  })
  process.on('disconnect', () => process.exit(0))
}
