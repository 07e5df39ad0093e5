/** What a webhook can hear of, by the ends of their names; docs/webhooks.md says what each is. */
export const webhookEvents = [
  'session-revoked',
  'credential-change',
  'account-disabled',
  'account-enabled',
  'account-purged',
  'anomaly-found',
] as const
