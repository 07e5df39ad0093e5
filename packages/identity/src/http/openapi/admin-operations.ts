import { revoked, text } from './answers.ts'
import type { Answer, Operations } from './operation.ts'
import { listOf, named, objectOf } from './operation.ts'

const keys: Answer = {
  description: 'Every key there ever was, oldest first',
  schema: objectOf({ keys: listOf(named('Key')) }),
}

const revocation = named('RevocationPosition')

/** What administrators decide about others, each with who and why. */
export const adminOperations: Operations = {
  'GET /admin/accounts': {
    id: 'findAccounts',
    tag: 'Administration: accounts',
    summary: 'Find accounts, the newest first',
    caller: 'administrator',
    answers: {
      200: {
        description: 'A page of them, with `next` when there may be more',
        schema: objectOf({ accounts: listOf(named('Account')) }, { next: text }),
      },
    },
  },
  'GET /admin/accounts/:id': {
    id: 'getAccount',
    tag: 'Administration: accounts',
    summary: 'Look at one account',
    caller: 'administrator',
    answers: { 200: { description: 'The account', schema: named('Account') } },
    problems: ['not-found'],
  },
  'POST /admin/accounts/logout': {
    id: 'logoutAccounts',
    tag: 'Administration: accounts',
    summary: 'End every session of many accounts, in one step',
    caller: 'administrator',
    answers: { 200: { description: 'What became of each', schema: named('DecidedAccounts') } },
    problems: ['superseded'],
  },
  'POST /admin/accounts/block': {
    id: 'blockAccounts',
    tag: 'Administration: accounts',
    summary: 'Block many accounts, in one step',
    caller: 'administrator',
    answers: { 200: { description: 'What became of each', schema: named('DecidedAccounts') } },
    problems: ['superseded'],
  },
  'POST /admin/accounts': {
    id: 'createAccount',
    tag: 'Administration: accounts',
    summary: 'Make an account; without a password its owner chooses one by a link',
    caller: 'administrator',
    answers: { 201: { description: 'Made', schema: objectOf({ id: text, identifier: text }) } },
    problems: [
      'identifier-taken',
      'unknown-role',
      'no-email',
      'mail-unavailable',
      'overloaded',
      'superseded',
    ],
  },
  'POST /admin/accounts/import': {
    id: 'importAccounts',
    tag: 'Administration: accounts',
    summary: 'Take over accounts of another system, with their hashes',
    caller: 'administrator',
    answers: {
      200: {
        description: 'What became of each, in the order of the request',
        schema: objectOf({ results: listOf(named('ImportResult')) }),
      },
    },
    problems: ['superseded'],
  },
  'PATCH /admin/accounts/:id': {
    id: 'changeAccount',
    tag: 'Administration: accounts',
    summary: 'Change attributes and address; null takes away',
    caller: 'administrator',
    answers: {
      200: {
        description: 'As it is now',
        schema: objectOf(
          { attributes: { type: 'object', additionalProperties: true } },
          { email: text, revocation },
        ),
      },
    },
    problems: ['not-found', 'overloaded', 'superseded'],
  },
  'DELETE /admin/accounts/:id': {
    id: 'deleteAccount',
    tag: 'Administration: accounts',
    summary: 'Delete an account, for good',
    caller: 'administrator',
    answers: { 200: revoked },
    problems: ['not-found', 'superseded', 'last-administrator'],
  },
  'POST /admin/accounts/:id/block': {
    id: 'blockAccount',
    tag: 'Administration: accounts',
    summary: 'End every session and token of an account, and let it sign in no more',
    caller: 'administrator',
    answers: { 200: revoked },
    problems: ['not-found', 'superseded', 'last-administrator'],
  },
  'POST /admin/accounts/:id/unblock': {
    id: 'unblockAccount',
    tag: 'Administration: accounts',
    summary: 'Let an account sign in again; what was ended stays ended',
    caller: 'administrator',
    answers: { 204: { description: 'It may' } },
    problems: ['not-found', 'superseded'],
  },
  'POST /admin/accounts/:id/roles': {
    id: 'setRoles',
    tag: 'Administration: accounts',
    summary: 'Give an account these roles and no others',
    caller: 'administrator',
    answers: {
      200: {
        description: 'As it is now',
        schema: objectOf({ roles: listOf(text) }, { revocation }),
      },
    },
    problems: ['not-found', 'superseded', 'last-administrator', 'unknown-role'],
  },
  'POST /admin/accounts/:id/logout': {
    id: 'logoutAccount',
    tag: 'Administration: accounts',
    summary: 'End every session of an account',
    caller: 'administrator',
    answers: { 200: revoked },
    problems: ['not-found', 'superseded'],
  },
  'POST /admin/accounts/:id/reset': {
    id: 'forcePasswordReset',
    tag: 'Administration: accounts',
    summary: 'Make the password of an account worthless, and send a link for another one',
    caller: 'administrator',
    answers: { 200: revoked },
    problems: [
      'not-found',
      'superseded',
      'last-administrator',
      'no-email',
      'mail-unavailable',
      'overloaded',
    ],
  },
  'GET /admin/sessions': {
    id: 'listSessions',
    tag: 'Administration: sessions',
    summary: 'Where people are signed in, the latest login first',
    caller: 'administrator',
    answers: {
      200: {
        description: 'A page of them, with `next` when there may be more',
        schema: objectOf({ sessions: listOf(named('Session')) }, { next: text }),
      },
    },
  },
  'DELETE /admin/sessions/:sid': {
    id: 'endSession',
    tag: 'Administration: sessions',
    summary: 'End one session',
    caller: 'administrator',
    answers: { 200: revoked },
    problems: ['not-found', 'superseded'],
  },
  'POST /admin/sessions/end-all': {
    id: 'endAllSessions',
    tag: 'Administration: sessions',
    summary: 'End everybody’s sessions and tokens, the caller’s too',
    caller: 'administrator',
    answers: { 200: revoked },
    problems: ['superseded'],
  },
  'GET /admin/keys': {
    id: 'listKeys',
    tag: 'Administration: keys',
    summary: 'The keys that access tokens and the revocation feed are signed with',
    caller: 'administrator',
    answers: { 200: keys },
  },
  'POST /admin/keys/rotate': {
    id: 'rotateKeys',
    tag: 'Administration: keys',
    summary: 'Sign with the waiting keys from now on',
    caller: 'administrator',
    answers: { 200: keys },
    problems: ['too-early', 'not-found', 'superseded', 'keys-unavailable'],
  },
  'POST /admin/keys/:kid/withdraw': {
    id: 'withdrawKey',
    tag: 'Administration: keys',
    summary: 'Make everything worthless that a key has signed or ever will, at once',
    caller: 'administrator',
    answers: {
      200: {
        description:
          'Every key as it is now; without a position for a key of the feed, or one that was gone',
        schema: objectOf({ keys: listOf(named('Key')) }, { revocation }),
      },
    },
    problems: ['not-found', 'superseded', 'keys-unavailable'],
  },
  'GET /admin/followers': {
    id: 'listFollowers',
    tag: 'Revocation feed',
    summary: 'Who follows the revocation feed and how far they have come, by client',
    caller: 'administrator',
    answers: {
      200: {
        description: 'A page of them, with `next` when there are more',
        schema: objectOf({ followers: listOf(named('Follower')) }, { next: text }),
      },
    },
  },
}
