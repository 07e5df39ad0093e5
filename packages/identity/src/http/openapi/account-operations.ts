import { page, revoked, text } from './answers.ts'
import type { Operations } from './operation.ts'
import { named, objectOf } from './operation.ts'

const linkForm = objectOf({}, { token: text, password: text })

/** What people do with their own accounts. */
export const accountOperations: Operations = {
  'POST /accounts': {
    id: 'register',
    tag: 'Own account',
    summary: 'Make an account of one’s own, where the operator lets people do so',
    caller: 'anyone',
    answers: {
      201: { description: 'It is made', schema: objectOf({ id: text, identifier: text }) },
      202: {
        description: 'A mail tells how to go on, whether or not there is such an account',
        schema: objectOf({ identifier: text }),
      },
    },
    problems: [
      'identifier-taken',
      'registration-closed',
      'throttled',
      'overloaded',
      'mail-unavailable',
    ],
  },
  'GET /account': {
    id: 'getOwnAccount',
    tag: 'Own account',
    summary: 'What is known of the caller',
    caller: 'person',
    answers: { 200: { description: 'The account', schema: named('OwnAccount') } },
    problems: ['superseded'],
  },
  'DELETE /account': {
    id: 'deleteOwnAccount',
    tag: 'Own account',
    summary: 'Delete the caller’s account, for good',
    caller: 'person',
    answers: { 200: revoked },
    problems: ['bad-credentials', 'throttled', 'overloaded', 'superseded', 'last-administrator'],
  },
  'POST /account/password': {
    id: 'changePassword',
    tag: 'Own account',
    summary: 'Change the password, which ends every other session',
    caller: 'person',
    answers: { 200: { description: 'It is changed', schema: named('ChangedSession') } },
    problems: ['keys-unavailable', 'bad-credentials', 'throttled', 'overloaded', 'superseded'],
  },
  'POST /account/reauthenticate': {
    id: 'reauthenticate',
    tag: 'Own account',
    summary: 'Prove again who one is: the same session, with a new time of authentication',
    caller: 'person',
    answers: { 200: { description: 'Proven', schema: named('SessionTokens') } },
    problems: [
      'keys-unavailable',
      'bad-credentials',
      'throttled',
      'overloaded',
      'superseded',
      'token-over-budget',
    ],
  },
  'POST /account/verify-email': {
    id: 'verifyEmail',
    tag: 'Own account',
    summary: 'Ask for a link to the address, or show that one can read what is sent there',
    caller: 'person',
    answers: {
      200: {
        description: 'The address is verified',
        schema: objectOf({ email_verified: { const: true } }),
      },
      202: { description: 'A link is sent' },
    },
    problems: [
      'invalid-link',
      'bad-credentials',
      'throttled',
      'overloaded',
      'no-email',
      'mail-unavailable',
      'superseded',
    ],
  },
  'POST /account/reset': {
    id: 'requestPasswordReset',
    tag: 'Own account',
    summary: 'Ask for a link with which another password can be chosen',
    caller: 'anyone',
    answers: { 202: { description: 'Whether or not there is such an account' } },
    problems: ['mail-unavailable'],
  },
  'POST /account/reset/confirm': {
    id: 'resetPassword',
    tag: 'Own account',
    summary: 'Choose another password with a link',
    caller: 'anyone',
    answers: { 200: revoked },
    problems: ['invalid-link', 'throttled', 'overloaded'],
  },
  'GET /account/reset/form': {
    id: 'showResetPage',
    tag: 'Own account',
    summary: 'Where a link to choose another password leads',
    caller: 'anyone',
    answers: { 200: page },
    refusals: 'page',
  },
  'POST /account/reset/form': {
    id: 'submitResetPage',
    tag: 'Own account',
    summary: 'What the button of that page sends',
    caller: 'anyone',
    form: linkForm,
    answers: { 200: page },
    refusals: 'page',
  },
  'GET /account/verify-email/form': {
    id: 'showVerificationPage',
    tag: 'Own account',
    summary: 'Where a link to verify an address leads',
    caller: 'anyone',
    answers: { 200: page },
    refusals: 'page',
  },
  'POST /account/verify-email/form': {
    id: 'submitVerificationPage',
    tag: 'Own account',
    summary: 'What the button of that page sends',
    caller: 'anyone',
    form: linkForm,
    answers: { 200: page },
    refusals: 'page',
  },
}
