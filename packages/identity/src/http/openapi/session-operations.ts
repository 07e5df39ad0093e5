import { revoked, text } from './answers.ts'
import type { Operations } from './operation.ts'
import { listOf, named, objectOf } from './operation.ts'

/** Signing in and out, and where somebody is signed in. */
export const sessionOperations: Operations = {
  'POST /login': {
    id: 'login',
    tag: 'Signing in',
    summary: 'Sign in with a password: a session, with an access token and a refresh token',
    caller: 'anyone',
    answers: { 200: { description: 'Signed in', schema: named('SessionTokens') } },
    problems: [
      'keys-unavailable',
      'bad-credentials',
      'account-blocked',
      'throttled',
      'overloaded',
      'unknown-client',
      'unknown-audience',
      'unknown-scope',
      'token-over-budget',
      'cross-origin',
      'invalid-dpop-proof',
      'use-dpop-nonce',
    ],
  },
  'POST /logout': {
    id: 'logout',
    tag: 'Signing in',
    summary: 'End the session of the token',
    caller: 'session',
    answers: { 200: revoked },
    problems: ['cross-origin'],
  },
  'POST /logout/everywhere': {
    id: 'logoutEverywhere',
    tag: 'Signing in',
    summary: 'End every session of the account that the token is of',
    caller: 'session',
    answers: { 200: revoked },
    problems: ['cross-origin'],
  },
  'GET /sessions': {
    id: 'listOwnSessions',
    tag: 'Own sessions',
    summary: 'Where the caller is signed in, the latest login first',
    caller: 'person',
    answers: {
      200: {
        description: 'A page of them, with `next` when there are more',
        schema: objectOf({ sessions: listOf(named('OwnSession')) }, { next: text }),
      },
    },
  },
  'POST /sessions/end-others': {
    id: 'endOtherSessions',
    tag: 'Own sessions',
    summary: 'End every session of the caller but this one',
    caller: 'person',
    answers: { 200: { description: 'They are over', schema: named('ChangedSession') } },
    problems: ['keys-unavailable', 'superseded', 'throttled'],
  },
  'DELETE /sessions/:sid': {
    id: 'endOwnSession',
    tag: 'Own sessions',
    summary: 'End one session of the caller',
    caller: 'person',
    answers: { 200: revoked },
    problems: ['not-found', 'superseded', 'throttled'],
  },
}
