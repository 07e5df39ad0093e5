import type { Buffer } from 'node:buffer'
import { createHash, timingSafeEqual } from 'node:crypto'
import type { JsonObject } from '@portcullis/protocol'
import { fingerprintWords } from '@portcullis/protocol/revocations'
import { rejectUnknown, requireFunction, requireObject, requireText } from '../option-checks.ts'
import type { PresentedRequest } from '../presented-request.ts'
import type { RevocationTable } from '../revocation/table.ts'
import type { Warn } from '../warnings.ts'
import { warnOfThrown } from '../warnings.ts'
import type { EventExpectation, RefusedDelivery } from './security-event-token.ts'
import { openEventToken, refused } from './security-event-token.ts'
import type { ToldEvent, ToldRevocation } from './told-revocation.ts'
import { toldRevocationOf } from './told-revocation.ts'

/** An event that its issuer has signed, for what the service does beside refusing tokens. */
export interface SecurityEvent extends ToldEvent {
  /** All claims of the token. Frozen, at every depth. */
  readonly claims: JsonObject
}

/** What a receiver is made of. */
export interface EventReceiverOptions {
  /** What the stream was created with as its `aud`, compared exactly. */
  readonly audience: string
  /** The whole value of the header field that the transmitter was told to send. Default: the signature is enough. */
  readonly authorization?: string
  /**
   * Called for each delivery of an event, after tokens are refused by it; the same event may be delivered again.
   * What it throws is answered 500, so that the transmitter comes again, and told to `onWarning` of the verifier.
   */
  readonly onEvent?: (event: SecurityEvent) => void | Promise<void>
}

/** One delivery (RFC 8935 section 2.1). */
export interface EventDelivery extends Pick<PresentedRequest, 'fieldValues'> {
  /** Undefined for one of more than 8 KiB. */
  readonly body: string | undefined
}

/** What to send back (RFC 8935 sections 2.2 and 2.3). */
export interface EventAnswer {
  readonly status: 202 | 400 | 500 | 503
  readonly headers: Readonly<Record<string, string>>
  /** Empty, or JSON. */
  readonly body: string
}

/** Of a verifier, to which the events are told. */
export interface EventTarget extends Omit<EventExpectation, 'audience'> {
  /** The longest life of a token, in seconds. */
  readonly lifetimeSecondsMax: number
  readonly join: (event: JoinedEvent) => void
  readonly warn: Warn
}

/** Joins what an event takes back into a table of revocations. False where it was known. */
export type JoinedEvent = (table: EventTable) => boolean

type EventTable = Pick<RevocationTable, 'join' | 'joinMinted'>

/** Takes events from the Shared Signals transmitter of one issuer. For the option `events` of its verifier. */
export interface EventReceiver {
  /** Answers one delivery. `expressEvents` and the like do the rest. */
  readonly receive: (delivery: EventDelivery) => Promise<EventAnswer>
  /** For `createVerifier`, once: a receiver belongs to one verifier. */
  readonly bind: (target: EventTarget) => void
}

/** For clocks, and tokens that were minted while the event was on its way. */
const marginMs = 60_000
const mediaType = 'application/secevent+jwt'

/**
 * Takes security events by webhook (RFC 8935) and refuses the tokens that they take back: those of a session
 * (`session-revoked` with its id), and of an account (`session-revoked`, `account-disabled`, `account-purged`) below
 * the generation that our issuer says, or else minted in the second of the event or before. Where a service has several
 * replicas, a webhook reaches only one: they want the feed.
 *
 * Checks signature, `typ`, issuer, audience, form, and that no time lies ahead. Does NOT check how old an event is,
 * nor whether it came before: delivered again it does the same again.
 *
 * Throws a TypeError that names the option when one is unknown, missing or wrong.
 */
export function createEventReceiver(options: EventReceiverOptions): EventReceiver {
  const { audience, authorization, onEvent, ...unknown } = requireObject(options, 'options')
  rejectUnknown(unknown)
  requireText(audience, 'audience')
  const secret =
    authorization === undefined ? undefined : digestOf(requireText(authorization, 'authorization'))
  if (onEvent !== undefined) requireFunction(onEvent, 'onEvent')
  let target: EventTarget | undefined

  function faultOf({ fieldValues, body }: EventDelivery): RefusedDelivery | undefined {
    const [sent = '', ...others] = fieldValues('authorization')
    if (secret !== undefined && (others.length > 0 || !timingSafeEqual(digestOf(sent), secret))) {
      return refused(
        'authentication_failed',
        'the Authorization field is not the one of the stream',
      )
    }
    const [type = ''] = fieldValues('content-type')
    const isEvent = type.split(';')[0]?.trim().toLowerCase() === mediaType
    if (!isEvent) return refused('invalid_request', `the content type is not ${mediaType}`)
    return body === undefined ? refused('invalid_request', 'the body is too long') : undefined
  }

  return {
    bind: (verifier) => {
      if (target !== undefined)
        throw new TypeError('option "events" is the receiver of another verifier')
      target = verifier
    },
    receive: async (delivery) => {
      if (target === undefined) {
        throw new TypeError('the receiver belongs to no verifier: name it in its option "events"')
      }
      const fault = faultOf(delivery)
      if (fault !== undefined) return refusalOf(fault)
      const opened = await openEventToken(delivery.body ?? '', { ...target, audience })
      if (opened.kind === 'refused') return refusalOf(opened)
      if (opened.kind === 'unavailable') {
        return answer(503, { 'retry-after': String(opened.retryAfterSeconds) })
      }
      const { event, claims } = opened
      const told = toldRevocationOf(target.issuer, event, claims['revocation'])
      if (told !== undefined) target.join(joinedEvent(target, told))
      try {
        await onEvent?.({ ...event, claims })
      } catch (error) {
        warnOfThrown(target.warn, 'onEvent', error)
        return answer(500)
      }
      return answer(202)
    },
  }
}

function joinedEvent(
  { issuer, now, lifetimeSecondsMax }: EventTarget,
  told: ToldRevocation,
): JoinedEvent {
  const until = now() + lifetimeSecondsMax * 1000 + marginMs
  switch (told.kind) {
    case 'session': {
      const words = fingerprintWords(issuer, 'session', told.sid)
      return ({ join }) => join('session', words, 0, until)
    }
    case 'generation': {
      const words = fingerprintWords(issuer, 'account', told.sub)
      return ({ join }) => join('account', words, told.floor, until)
    }
    case 'minted': {
      const words = fingerprintWords(issuer, 'account', told.sub)
      return ({ joinMinted }) => joinMinted(words, told.throughSeconds, until)
    }
  }
}

function answer(status: EventAnswer['status'], headers: EventAnswer['headers'] = {}): EventAnswer {
  return { status, headers, body: '' }
}

/** RFC 8935 section 2.3. */
function refusalOf({ err, description }: RefusedDelivery): EventAnswer {
  return {
    status: 400,
    headers: { 'content-type': 'application/json', 'content-language': 'en' },
    body: JSON.stringify({ err, description }),
  }
}

/** Of one length, whatever was sent. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
