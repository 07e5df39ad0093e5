import type { Log } from '@portcullis/runtime'
import type { IssuerSessions } from './issuer-sessions.ts'

export interface ClientCheck {
  readonly issuer: Pick<IssuerSessions, 'tryClient'>
  /** How the settings name it, for the operator. */
  readonly named: string
  readonly log: Log
  /** Calls once, so much later. Answers how to call it off. */
  readonly schedule?: (step: () => void, ms: number) => () => void
}

const waitMsFirst = 1000
const waitMsMost = 60_000

/**
 * Asks identity whether it knows the client that people sign in to, again and again until it answers, and warns where
 * it does not: otherwise the first login would find out. Does NOT see which grants and audiences the client has. Answers
 * how to stop.
 */
export function checkBrowserClient({
  issuer,
  named,
  log,
  schedule = byTimer,
}: ClientCheck): () => void {
  let isStopped = false
  let cancel: (() => void) | undefined
  const look = async (waitMs: number): Promise<void> => {
    const answer = await issuer.tryClient()
    if (isStopped) return
    if (answer.kind === 'unavailable') {
      cancel = schedule(() => void look(Math.min(2 * waitMs, waitMsMost)), waitMs)
      return
    }
    const { error } = answer.body
    if (error !== 'invalid_client') return
    const detail = `${named} is not known to the issuer, or has another secret there`
    log.warn({ code: error, detail }, 'nobody can sign in by a page: identity refuses the client')
  }
  void look(waitMsFirst)
  return () => {
    isStopped = true
    cancel?.()
  }
}

function byTimer(step: () => void, ms: number): () => void {
  const timer = setTimeout(step, ms).unref()
  return () => clearTimeout(timer)
}
