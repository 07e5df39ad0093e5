import type { Dispatcher } from 'undici'
import type { Services } from './choice.ts'
import { codeOf, isOfUpstream, trialEndOf } from './failure.ts'
import type { Upstream } from './upstream.ts'

/** One request on its way to one of its services. */
export interface Journey {
  readonly services: Services
  readonly request: Dispatcher.DispatchOptions
  /** It may be sent again; see `isRepeatable`. */
  readonly isRepeatable: boolean
  readonly handler: Dispatcher.DispatchHandler
  readonly onFailure: (failure: UpstreamFailure) => void
  /** Told the origin that it is sent to, each time. */
  readonly onTry?: ((origin: string) => void) | undefined
}

export interface UpstreamFailure {
  /** The origin that has failed. */
  readonly upstream: string
  readonly code: string
  /** Where the request is sent again; undefined where that is the end of it. */
  readonly next: string | undefined
}

export interface Sending {
  /** The client has its answer or has left: nothing is sent any more. */
  readonly end: () => void
}

/** RFC 9110 section 9.2.2. */
const idempotentMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/** Nothing of a body is kept, so what has one could not be sent again even where the method allows it. */
export function isRepeatable(method: string, hasBody: boolean): boolean {
  return idempotentMethods.has(method) && !hasBody
}

/**
 * Sends a request, and if it is repeatable once more, octet for octet, where the service could not be reached or
 * broke off before its headers: that is how a service ends, and how a connection closes that was idle while the
 * request was on its way, for which the second try has a new one. After a time-out for the answer nothing is sent
 * again, because the service may still be at it. Undefined when the service is full.
 */
export function send(journey: Journey): Sending | undefined {
  const { services, request, handler, onFailure, onTry } = journey
  // What comes of a switch of protocols is seen by nobody here.
  const mayRepeat = journey.isRepeatable && (request.upgrade ?? null) === null
  const first = services.first(mayRepeat)
  if (!first.enter()) return undefined
  let isEnded = false
  let endTry: (() => void) | undefined
  tryAt(first, false)
  return {
    end: () => {
      isEnded = true
      endTry?.()
    },
  }

  function tryAt(upstream: Upstream, isSecond: boolean): void {
    onTry?.(upstream.origin)
    const trial = upstream.health.begin()
    let wasWritten = false
    let isAnswered = false
    let isOver = false
    endTry = () => {
      if (isOver) return
      isOver = true
      upstream.leave()
      trial.end('unknown')
    }
    const dispatch = isSecond ? upstream.dispatchAlone : upstream.dispatch
    dispatch(request, {
      ...handler,
      onRequestStart: (controller, context) => {
        wasWritten = true
        handler.onRequestStart?.(controller, context)
      },
      onResponseStart: (controller, ...start) => {
        isAnswered = true
        trial.end('answered')
        handler.onResponseStart?.(controller, ...start)
      },
      onRequestUpgrade: (controller, ...switched) => {
        isAnswered = true
        trial.end('answered')
        handler.onRequestUpgrade?.(controller, ...switched)
      },
      onResponseError: (controller, error) => {
        const how = isAnswered ? 'answered' : trialEndOf(error, wasWritten)
        trial.end(how)
        const next = how === 'broken' && !isSecond ? nextAfter(upstream, wasWritten) : undefined
        if (isOfUpstream(error) && !isEnded) {
          onFailure({ upstream: upstream.origin, code: codeOf(error), next: next?.origin })
        }
        if (next === undefined) {
          handler.onResponseError?.(controller, error)
        } else {
          endTry?.()
          tryAt(next, true)
        }
      },
    })
  }

  function nextAfter(failed: Upstream, wasReached: boolean): Upstream | undefined {
    if (isEnded || !mayRepeat) return undefined
    const next = services.second(failed, wasReached)
    return next?.enter() === true ? next : undefined
  }
}
