import { assertionType } from '../client-authentication.ts'
import { text } from './answers.ts'
import type { JsonSchema, Operations } from './operation.ts'
import { named, objectOf } from './operation.ts'

/** For clients that do not send id and secret in the `Authorization` header: the secret, or an assertion. */
const clientProof = {
  client_id: text,
  client_secret: text,
  client_assertion: { ...text, description: 'a JWT that a key of the client signed (RFC 7523)' },
  client_assertion_type: { const: assertionType },
} as const
const list = { ...text, description: 'separated by spaces' } as const
const narrowing: Readonly<Record<string, JsonSchema>> = { scope: list, audience: list }
const anyToken = objectOf({ token: text }, { token_type_hint: text, ...clientProof })

/** The OAuth endpoints. */
export const tokenOperations: Operations = {
  'POST /token': {
    id: 'token',
    tag: 'Tokens',
    summary: 'The OAuth token endpoint (RFC 6749, section 3.2)',
    caller: 'client',
    form: {
      oneOf: [
        objectOf(
          { grant_type: { const: 'refresh_token' } },
          {
            refresh_token: { ...text, description: 'left out with the cookie' },
            attempt: { ...text, description: 'random, and kept before it is sent' },
            ...clientProof,
            ...narrowing,
          },
        ),
        objectOf({ grant_type: { const: 'client_credentials' } }, { ...clientProof, ...narrowing }),
        objectOf(
          {
            grant_type: { const: 'urn:ietf:params:oauth:grant-type:token-exchange' },
            subject_token: { ...text, description: 'an access token of this issuer' },
            subject_token_type: { const: 'urn:ietf:params:oauth:token-type:access_token' },
            audience: list,
          },
          { scope: list, requested_token_type: text, ...clientProof },
        ),
      ],
    },
    answers: {
      200: {
        description: 'An access token, and for a session its refresh token',
        schema: {
          oneOf: [named('AccessToken'), named('SessionTokens'), named('ExchangedToken')],
        },
      },
    },
    refusals: 'oauth-error',
  },
  'POST /revoke': {
    id: 'revokeToken',
    tag: 'Tokens',
    summary: 'Take a token back: the session of a refresh token, or one access token (RFC 7009)',
    caller: 'client',
    form: anyToken,
    answers: {
      200: {
        description: 'It is good for nothing; without a position when it was so already',
        schema: { oneOf: [named('Revoked'), { type: 'object', maxProperties: 0 }] },
      },
    },
    refusals: 'oauth-error',
  },
  'POST /introspect': {
    id: 'introspectToken',
    tag: 'Tokens',
    summary: 'What a token is worth at this moment (RFC 7662)',
    caller: 'client',
    form: anyToken,
    answers: {
      200: {
        description: 'Whether it is active, and only then its claims',
        schema: { oneOf: [named('InactiveToken'), named('ActiveToken')] },
      },
    },
    refusals: 'oauth-error',
  },
}
