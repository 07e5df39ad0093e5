export const overview = {
  title: 'Overview',
  find: 'Find an account',
  findHint: 'How its name begins',
  latest: 'Latest sign-ins',
  totals: {
    title: 'How many there are',
    accounts: 'Accounts',
    blocked: (count: number): string => (count === 0 ? 'none blocked' : `${count} blocked`),
    sessions: 'Sessions that live',
    clients: 'Machine clients',
    followers: 'Services',
    followersNote: 'that follow revocations',
    anomalies: 'Anomalies in a day',
    critical: (count: number): string => (count === 0 ? 'none critical' : `${count} critical`),
    counting: 'They are being counted.',
  },
  activity: 'The last hour, minute by minute',
  charts: {
    signIns: 'Sign-ins',
    refreshes: 'Refreshes',
    tokens: 'Tokens',
    ends: 'Sessions and revocations',
  },
  lines: {
    sign_ins: 'signed in',
    sign_ins_refused: 'refused',
    refreshes: 'refreshed',
    refreshes_refused: 'refused',
    tokens_issued: 'handed out',
    refused_by_services: 'refused by services',
    sessions_ended: 'sessions ended',
    revocations: 'revocations',
    anomalies: 'anomalies',
  },
  inTheHour: 'in the last hour',
  at: (moment: string): string => `at ${moment}`,
  /** Of one line, for those who do not see it. */
  spoken: (name: string, sum: number, most: number, when: string): string =>
    sum === 0
      ? `${name}: none`
      : `${name}: ${sum} in the last hour, at most ${most} a minute, at ${when}`,
  refusals: {
    title: 'Refusals by reason',
    caption: 'Refusals of the last hour, by reason',
    none: 'Nothing was refused in the last hour.',
    columns: { reason: 'Why', count: 'How often' },
  },
  newest: 'Newest anomalies',
  allAnomalies: 'All anomalies',
  noAnomalies: 'No rule has found anything.',
}
