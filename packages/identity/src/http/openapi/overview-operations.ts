import { activitySeries } from '../../domain/activity.ts'
import { severities } from '../../domain/anomalies/rules.ts'
import { instant, text, truth, wholeNumber } from './answers.ts'
import type { JsonSchema, Operations } from './operation.ts'
import { listOf, named, objectOf } from './operation.ts'

const counts: JsonSchema = {
  ...listOf(wholeNumber),
  description: 'one count a bucket, the oldest first; the last bucket is not over yet',
}

function eachOf(names: readonly string[], schema: JsonSchema): JsonSchema {
  return objectOf(Object.fromEntries(names.map((name) => [name, schema])))
}

/** What the overview of an operator draws. */
export const overviewOperations: Operations = {
  'GET /admin/activity': {
    id: 'getActivity',
    tag: 'Administration: overview',
    summary:
      'How much of what went on in the last hour at all nodes, and how many there are of what',
    caller: 'administrator',
    answers: { 200: { description: 'Counts by their time', schema: named('Activity') } },
  },
  'GET /admin/revocations': {
    id: 'listRevocations',
    tag: 'Revocation feed',
    summary: 'The revocation log that is in force, the newest first',
    caller: 'administrator',
    answers: {
      200: {
        description: 'A page of them, with `next` when there are more',
        schema: objectOf({ revocations: listOf(named('ListedRevocation')) }, { next: text }),
      },
    },
  },
  'GET /admin/revocations/:position': {
    id: 'getRevocation',
    tag: 'Revocation feed',
    summary: 'One record of the revocation log, as long as it is in force',
    caller: 'administrator',
    answers: { 200: { description: 'The record', schema: named('ListedRevocation') } },
    problems: ['not-found', 'position-gone'],
  },
  'GET /admin/settings': {
    id: 'getSettings',
    tag: 'Administration: overview',
    summary: 'The settings in force at the node that answers, without any secret',
    caller: 'administrator',
    answers: {
      200: { description: 'Settings, and what the file declares', schema: named('Settings') },
    },
  },
}

const scopesByAudience: JsonSchema = { type: 'object', additionalProperties: listOf(text) }

export const overviewSchemas: Readonly<Record<string, JsonSchema>> = {
  Activity: objectOf(
    {
      now: instant,
      from: { ...instant, description: 'when the first bucket begins' },
      bucket_seconds: wholeNumber,
      series: eachOf(activitySeries, counts),
      refusals: {
        type: 'object',
        additionalProperties: counts,
        description: 'by their reasons (docs/logs.md), of identity and of those who report to it',
      },
    },
    { totals: named('Totals') },
  ),
  Settings: objectOf({
    settings: listOf(
      objectOf(
        { name: text, value: { description: 'null: nothing is chosen, and there is no default' } },
        {
          source: { enum: ['default', 'file', 'environment', 'command line'] },
          by: { ...text, description: 'the variable or the option that says so' },
          secret: { const: true, description: 'then the value is `set` or `not set`' },
          about: { ...text, description: 'what it is; what stands between backticks is code' },
          unit: { ...text, description: 'of a number: `seconds`, `days`, `bytes` …' },
          group: { ...text, description: 'what it belongs to: `sessions`, `tokens` …' },
        },
      ),
    ),
    audiences: listOf(
      objectOf({
        name: text,
        built_in: truth,
        scopes: listOf(text),
        roles: listOf(text),
        access_token_seconds: wholeNumber,
        algorithms: listOf(text),
        encrypted: truth,
        dpop_required: truth,
        claims: {
          type: 'object',
          additionalProperties: text,
          description: 'by the attribute of the account that each has',
        },
      }),
    ),
    roles: listOf(
      objectOf({
        name: text,
        built_in: truth,
        scopes: { ...scopesByAudience, description: 'what it grants, by audience' },
      }),
    ),
    clients: listOf(
      objectOf({ name: text, public: truth, grants: listOf(text), audiences: listOf(text) }),
    ),
  }),
  ListedRevocation: objectOf(
    {
      position: { ...text, description: '`<epoch>:<seq>`, of which there are receipts' },
      kind: { enum: ['session', 'account', 'client', 'token', 'key', 'all'] },
      committed_at: instant,
    },
    {
      subject: { ...text, description: 'the `sid`, `sub`, `client_id`, `jti` or `kid`' },
      account: { ...text, description: 'whose session or token it was' },
      cause: { ...text, description: 'the kind of its event in the audit record' },
      actor: text,
      reason: text,
      until: { ...instant, description: 'left out: for ever' },
    },
  ),
  Totals: {
    ...objectOf({
      counted_at: instant,
      accounts: wholeNumber,
      accounts_blocked: wholeNumber,
      sessions_live: wholeNumber,
      clients: wholeNumber,
      followers_live: wholeNumber,
      anomalies_last_day: eachOf(severities, wholeNumber),
    }),
    description: 'left out while the first count of a large store goes on',
  },
}
