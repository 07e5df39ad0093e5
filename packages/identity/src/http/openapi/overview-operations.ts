import { activitySeries } from '../../domain/activity.ts'
import { severities } from '../../domain/anomalies/rules.ts'
import { instant, wholeNumber } from './answers.ts'
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
}

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
