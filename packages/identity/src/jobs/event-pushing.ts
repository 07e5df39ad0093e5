import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '@portcullis/runtime'
import type { LeasedStream, PushedEvents } from '../domain/event-pushes.ts'

export interface EventPushing {
  readonly claim: PushedEvents['claim']
  readonly newLease: () => string
  /** Delivers what waits in a stream, until it is not taken or others have their turn. */
  readonly deliver: (stream: LeasedStream) => Promise<void>
  /** Calls the listener whenever there may be events. */
  readonly onEvents: (listener: () => void) => () => void
  readonly log: Log
  readonly limits?: PushLimits
}

/**
 * Receivers that hang must not keep others waiting. So those that have failed have places of their own, and whoever takes
 * long gives his place among the good ones back and goes on among them.
 */
export interface PushLimits {
  readonly promptMax: number
  /** Of those who take long, and as many of those who have failed before. */
  readonly slowMax: number
  readonly promptMs: number
  /** Between two looks at what is due. */
  readonly restMs: number
  readonly everyMs: number
}

const usualLimits: PushLimits = {
  promptMax: 32,
  slowMax: 128,
  promptMs: 500,
  restMs: 15,
  everyMs: 1000,
}

/** Longer than a turn and the last push in it: see `pushWaiting`. */
const leaseMs = 60_000
/** So many are claimed in one step. */
const claimedMax = 16
const failuresPerReminder = 60

/** Pushes events to receivers until the returned function has been called, which waits for what is under way. */
export function startPushingEvents({
  claim,
  newLease,
  deliver,
  onEvents,
  log,
  limits = usualLimits,
}: EventPushing): () => Promise<void> {
  const { restMs, everyMs } = limits
  const over = new AbortController()
  const places = createPushPlaces(limits, () => wake())

  const claimSome = async (isFailing: boolean): Promise<boolean> => {
    const max = Math.min(places.free(isFailing), claimedMax)
    if (max <= 0) return false
    const streams = await claim({ lease: newLease(), max, leaseMs, isFailing })
    for (const stream of streams) {
      const delivery = deliver(stream).catch((error: unknown) => {
        const about = { err: error, streamId: stream.id }
        log.error(about, 'events cannot be delivered; it is tried again')
      })
      places.occupy(delivery, isFailing)
    }
    return streams.length === max
  }
  const claimAll = async (): Promise<void> => {
    let isMore = true
    while (isMore && !over.signal.aborted) {
      const more = [await claimSome(false), await claimSome(true)]
      isMore = more.includes(true)
    }
  }
  const tellTrouble = createTroubleTold(log)

  let pumping: Promise<void> | undefined
  let isWoken = false
  const wake = (): void => {
    isWoken = true
    pumping ??= pump().finally(() => (pumping = undefined))
  }
  const pump = async (): Promise<void> => {
    while (isWoken && !over.signal.aborted) {
      isWoken = false
      const isTrouble = await tellTrouble(claimAll)
      // It will be tried again by the clock.
      if (isTrouble) return
      // What comes many times in a moment is looked for once.
      await pause(restMs)
    }
  }
  const unlisten = onEvents(wake)
  const timer = setInterval(wake, everyMs).unref()
  return async () => {
    over.abort()
    clearInterval(timer)
    unlisten()
    await pumping
    await places.settled()
  }
}

/**
 * Answers how to wait for one's turn, of which one comes after so many milliseconds. Each counts from when the one before
 * has begun: a node that was held up would otherwise begin all that are due at once.
 */
export function createPace(everyMs: number): () => Promise<void> {
  let lastMs = -Infinity
  let last = Promise.resolve()
  const begin = async (): Promise<void> => {
    const restMs = lastMs + everyMs - performance.now()
    if (restMs > 0) await pause(restMs)
    lastMs = performance.now()
  }
  return () => (last = last.then(begin))
}

/** Answers how to wait for whoever comes within so many milliseconds: then all go on in one turn of the event loop. */
export function createGathering(withinMs: number): () => Promise<void> {
  let gathering: Promise<void> | undefined
  const gather = async (): Promise<void> => {
    await pause(withinMs)
    gathering = undefined
  }
  return () => (gathering ??= gather())
}

interface PushPlaces {
  readonly free: (isFailing: boolean) => number
  readonly occupy: (delivery: Promise<void>, isFailing: boolean) => void
  readonly settled: () => Promise<void>
}

/** `onFree`: told whenever there is more room than before. */
function createPushPlaces(
  { promptMax, slowMax, promptMs }: PushLimits,
  onFree: () => void,
): PushPlaces {
  const underWay = new Set<Promise<void>>()
  const open = { prompt: 0, slow: 0, failing: 0 }
  return {
    free: (isFailing) => (isFailing ? slowMax - open.failing : promptMax - open.prompt),
    occupy: (delivery, isFailing) => {
      let place: keyof typeof open = isFailing ? 'failing' : 'prompt'
      open[place] += 1
      // Again and again: there may be no room among the slow ones at first.
      const tooLong = setInterval(() => {
        if (place !== 'prompt' || open.slow >= slowMax) return
        open.prompt -= 1
        open.slow += 1
        place = 'slow'
        onFree()
      }, promptMs)
      const ended = delivery.finally(() => {
        clearInterval(tooLong)
        open[place] -= 1
        underWay.delete(ended)
        onFree()
      })
      underWay.add(ended)
    },
    settled: async () => {
      await Promise.all(underWay)
    },
  }
}

/** Says it when a step begins to fail, now and then while it goes on, and when it is over. Answers whether it failed. */
function createTroubleTold(log: Log): (step: () => Promise<void>) => Promise<boolean> {
  let failures = 0
  return async (step) => {
    try {
      await step()
      if (failures > 0) log.info('events are delivered again')
      failures = 0
      return false
    } catch (error) {
      if (failures % failuresPerReminder === 0) {
        log.error({ err: error }, 'events cannot be delivered; they wait')
      }
      failures += 1
      return true
    }
  }
}
