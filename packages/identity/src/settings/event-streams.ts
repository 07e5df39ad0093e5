/** Receivers of the Shared Signals Framework (`docs/webhooks.md`). */
export const eventStreamSettings = {
  'streams.reachableNetworks': {
    schema: { type: 'array', uniqueItems: true, items: { type: 'string', minLength: 1 } },
    default: [],
    meaning:
      'networks (CIDR) beside the public Internet in which receivers may be that events are pushed to; those on loopback may speak plain http',
    reason:
      'Whoever names an address to push to would otherwise have identity ask services that only it can reach (SSRF).',
  },
  'streams.retentionDays': {
    schema: { type: 'integer', minimum: 1, maximum: 90 },
    default: 7,
    unit: 'days',
    meaning: 'events that a receiver has not taken by then are dropped, and it is said',
    reason:
      'A week: longer than a weekend in which nobody looks. No access token lives longer than an hour, so what is older ends nothing any more.',
  },
  'streams.eventsHeldMax': {
    schema: { type: 'integer', minimum: 1000, maximum: 10_000_000 },
    default: 100_000,
    meaning:
      'so many events are kept for receivers that are behind; beyond it the oldest are dropped',
    reason:
      'About 30 MB, however many receivers there are: each event is kept once for all of them.',
  },
} as const
