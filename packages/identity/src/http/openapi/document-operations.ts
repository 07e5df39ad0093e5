import { page, text } from './answers.ts'
import type { Answer, Operations } from './operation.ts'
import { named } from './operation.ts'

const anyObject = { type: 'object', additionalProperties: true } as const
const unchanged: Answer = { description: 'What `If-None-Match` names is still right' }
const keySet: Answer = { description: 'The keys', schema: named('JwkSet') }

/** What everybody may read, and the feed, whose bytes docs/feed-format.md tells. */
export const documentOperations: Operations = {
  'GET /.well-known/jwks.json': {
    id: 'getKeySet',
    tag: 'Documents',
    summary: 'The public keys that access tokens are signed with',
    caller: 'anyone',
    answers: { 200: keySet, 304: unchanged },
  },
  'GET /.well-known/revocation-keys.json': {
    id: 'getFeedKeySet',
    tag: 'Documents',
    summary: 'The public keys that the revocation feed is signed with',
    caller: 'anyone',
    answers: { 200: keySet, 304: unchanged },
  },
  'GET /.well-known/oauth-authorization-server': {
    id: 'getMetadata',
    tag: 'Documents',
    summary: 'What this issuer can do (RFC 8414)',
    caller: 'anyone',
    answers: { 200: { description: 'The metadata', schema: anyObject }, 304: unchanged },
  },
  'GET /openapi.json': {
    id: 'getOpenApi',
    tag: 'Documents',
    summary: 'This document',
    caller: 'anyone',
    answers: { 200: { description: 'OpenAPI 3.1', schema: anyObject }, 304: unchanged },
  },
  'GET /docs': {
    id: 'readOpenApi',
    tag: 'Documents',
    summary: 'This document, for people',
    caller: 'anyone',
    answers: { 200: page, 304: unchanged },
  },
  'GET /console': {
    id: 'findConsole',
    tag: 'Pages',
    summary: 'Leads to the console',
    caller: 'anyone',
    answers: { 308: { description: 'To `/console/`, by `Location`' } },
  },
  'GET /console/': {
    id: 'openConsole',
    tag: 'Pages',
    summary: 'The console for operators, which does everything by these operations',
    caller: 'anyone',
    answers: { 200: page, 304: unchanged },
  },
  'GET /console/assets/:file': {
    id: 'getConsoleFile',
    tag: 'Pages',
    summary: 'A file of the console',
    caller: 'anyone',
    answers: { 200: { description: 'Its content' }, 304: unchanged },
  },
  'GET /revocations/snapshot': {
    id: 'getRevocations',
    tag: 'Revocation feed',
    summary: 'Everything that is revoked and may still be alive (docs/feed-format.md)',
    caller: 'follower',
    answers: {
      200: {
        description: 'A signed manifest, a line feed and the records',
        mediaType: 'application/octet-stream',
        schema: { ...text, format: 'binary' },
      },
    },
    problems: ['throttled', 'overloaded', 'keys-unavailable'],
  },
  'GET /revocations/stream': {
    id: 'followRevocations',
    tag: 'Revocation feed',
    summary: 'Every revocation from a position on, as it happens (docs/feed-format.md)',
    caller: 'follower',
    answers: {
      200: {
        description: 'Server-sent events, each of which ends with the checkpoint that covers it',
        mediaType: 'text/event-stream',
        schema: text,
      },
    },
    problems: ['position-gone', 'throttled', 'overloaded', 'keys-unavailable'],
  },
  'POST /revocations/positions': {
    id: 'reportPosition',
    tag: 'Revocation feed',
    summary: 'Say how far a follower has come (docs/feed-format.md)',
    caller: 'follower',
    answers: {
      200: { description: 'How to spread further reports', schema: named('ReportPace') },
    },
    problems: ['overloaded', 'throttled'],
  },
  'GET /revocations/receipts/:position': {
    id: 'getReceipts',
    tag: 'Revocation feed',
    summary: 'Which followers refuse what was revoked, and how long they took; waits for them',
    caller: 'receipt-reader',
    answers: { 200: { description: 'What is known by then', schema: named('Receipts') } },
    problems: ['not-found', 'position-gone', 'overloaded', 'throttled'],
  },
}
