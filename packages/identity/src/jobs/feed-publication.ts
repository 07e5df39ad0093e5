import { setTimeout } from 'node:timers/promises'
import type { Log } from '@portcullis/runtime'
import type { PublicationParts } from '../domain/feed-publication.ts'
import { publishFeed } from '../domain/feed-publication.ts'

const retryMs = 1_000
/** Nodes that have lost a race do not run the next one at once. */
const againMs = 20
/** Followers give a broker up that has been silent for so long. */
const silentMsMax = 3_000

/**
 * Publishes until the returned function has been called, whatever happens to the broker meanwhile. `onTrouble` is told
 * when followers have got nothing for too long, and when they get it again.
 */
export function startPublishingFeed(
  parts: Omit<PublicationParts, 'onPublished'>,
  log: Log,
  onTrouble: (isThere: boolean) => void,
): () => Promise<void> {
  const stopping = new AbortController()
  let publishedAtMs = performance.now()
  let isInTrouble = false
  const judge = (why?: unknown): void => {
    const isSilent = performance.now() - publishedAtMs > silentMsMax
    if (isSilent === isInTrouble) return
    isInTrouble = isSilent
    onTrouble(isSilent)
    if (isSilent)
      log.error({ err: why }, 'the feed does not reach the broker: followers read it here')
    else log.info('the feed reaches the broker again')
  }
  const onPublished = (): void => {
    publishedAtMs = performance.now()
    judge()
  }
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const failure = await publishFeed({ ...parts, onPublished }, stopping.signal).then(
        () => undefined,
        (error: unknown) => error ?? new Error('it failed'),
      )
      judge(failure)
      const waitMs = failure === undefined ? againMs : retryMs
      await setTimeout(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }
  const running = run()
  return async () => {
    stopping.abort()
    await running
  }
}
