import type { JsonObject } from '@portcullis/protocol'
import type { Delivery, EventStream, StreamHealth } from '../domain/event-streams.ts'
import { streamStatuses, subjectFormats } from '../domain/event-streams.ts'
import type { SecurityEvent } from '../domain/security-events.ts'
import {
  sharedEventNames,
  sharedEventsAmong,
  verificationEvent,
} from '../domain/security-events.ts'
import { integer, list, optionalInteger, optionalText, text } from './columns.ts'
import type { Row } from './database.ts'

export function streamOf(row: Row): EventStream {
  return {
    id: text(row, 'id'),
    clientId: optionalText(row, 'client_id'),
    audience: text(row, 'audience'),
    description: optionalText(row, 'description'),
    delivery: deliveryOf(row),
    eventsRequested: list(row, 'events_requested'),
    events: sharedEventsAmong(list(row, 'events')),
    subjectFormat: oneOf(subjectFormats, text(row, 'subject_format')),
    status: oneOf(streamStatuses, text(row, 'status')),
    statusReason: optionalText(row, 'status_reason'),
    createdAt: integer(row, 'created_at'),
  }
}

function deliveryOf(row: Row): Delivery {
  const endpointUrl = optionalText(row, 'endpoint_url')
  if (endpointUrl === undefined) return { method: 'poll' }
  const sealedAuthorization = optionalText(row, 'sealed_authorization')
  return { method: 'push', endpointUrl, sealedAuthorization }
}

/** Of a row that has `undelivered` beside the columns of the stream. */
export function healthOf(row: Row): StreamHealth {
  return {
    ...streamOf(row),
    deliveredAt: optionalInteger(row, 'delivered_at'),
    failedAt: optionalInteger(row, 'failed_at'),
    lastFailure: optionalText(row, 'last_failure'),
    failures: integer(row, 'failures'),
    dropped: integer(row, 'dropped'),
    undelivered: integer(row, 'undelivered'),
  }
}

export function securityEventOf(row: Row): SecurityEvent {
  const epoch = optionalText(row, 'epoch')
  const seq = optionalInteger(row, 'seq')
  const details = optionalText(row, 'details')
  return {
    id: integer(row, 'id'),
    at: integer(row, 'at'),
    event: oneOf([...sharedEventNames, verificationEvent], text(row, 'event')),
    cause: text(row, 'cause'),
    txn: text(row, 'txn'),
    accountId: optionalText(row, 'account_id'),
    sessionId: optionalText(row, 'session_id'),
    initiator: oneOf(['user', 'admin', 'policy', 'system'], text(row, 'initiator')),
    position: epoch === undefined || seq === undefined ? undefined : { epoch, seq },
    generation: optionalInteger(row, 'generation'),
    // Written by `insertVerification`.
    details: details === undefined ? undefined : (JSON.parse(details) as JsonObject),
  }
}

function oneOf<Name extends string>(names: readonly Name[], found: string): Name {
  const name = names.find((one) => one === found)
  if (name === undefined) throw new TypeError(`${found} is none of ${names.join(', ')}`)
  return name
}
