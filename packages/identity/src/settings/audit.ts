/** The record of what happened (`docs/audit.md`). */
export const auditSettings = {
  auditRetentionDays: {
    schema: { type: 'integer', minimum: 30, maximum: 36_500 },
    default: 400,
    unit: 'days',
    meaning: 'records of the audit log that are older are taken away',
    reason:
      'A year and a month: whoever looks once a year sees all of it. Less than 30 days would be gone before most break-ins are noticed.',
  },
} as const
