import { setTimeout as sleep } from 'node:timers/promises'
import type { RevocationOutcome } from '../report/outcome.ts'
import type { TakeBack } from '../tokens/token-source.ts'
import type { Answer, Sender } from './sender.ts'

export interface RevocationOptions {
  readonly sender: Sender
  readonly isPassed: (answer: Answer) => boolean
  /** How long it may be accepted. */
  readonly secondsMax: number
}

/** Takes a token back that was accepted just before, and measures how long it still is. */
export async function measureRevocation(
  { request, revoke, isPromised }: TakeBack,
  { sender, isPassed, secondsMax }: RevocationOptions,
): Promise<RevocationOutcome> {
  const accepted = async (): Promise<boolean | undefined> => {
    const answer = await sender.send(request)
    return answer.kind === 'answer' && answer.status < 500 ? isPassed(answer) : undefined
  }
  if ((await accepted()) !== true) {
    return { kind: 'not-tried', why: 'its token did not pass before it was taken back' }
  }
  await revoke()
  const startedAt = performance.now()
  while (sender.left() >= requestsOfOneQuestion) {
    const isAccepted = await accepted()
    const afterMs = Math.round(performance.now() - startedAt)
    if (isAccepted === false) return { kind: 'refused', afterMs }
    if (afterMs >= secondsMax * 1000) return { kind: 'accepted', afterMs, isPromised }
    // As often as there are requests for until the end: otherwise nothing could be said at the end.
    const questions = Math.max(1, Math.floor(sender.left() / requestsOfOneQuestion) - 1)
    await sleep(Math.max(betweenQuestionsMsMin, (secondsMax * 1000 - afterMs) / questions))
  }
  return { kind: 'not-tried', why: 'no request was left' }
}

/** It is repeated when its connection is cut. */
const requestsOfOneQuestion = 2
const betweenQuestionsMsMin = 20
