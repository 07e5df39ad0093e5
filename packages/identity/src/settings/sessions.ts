/** How long people stay signed in. */
export const sessionSettings = {
  sessionIdleSeconds: {
    schema: { type: 'integer', minimum: 60, maximum: 31_536_000 },
    default: 1_209_600,
    unit: 'seconds',
    meaning: 'a session that is not refreshed for so long is over, from its next refresh on',
    reason: '14 days: longer than a holiday, shorter than a lost laptop stays unnoticed.',
  },
  sessionSeconds: {
    schema: { type: 'integer', minimum: 60, maximum: 31_536_000 },
    default: 7_776_000,
    unit: 'seconds',
    meaning: 'after this the person signs in again, however active; for new sessions',
    reason:
      '90 days: a stolen device is not signed in for ever, and passwords are not typed so often that people shorten them.',
  },
  refreshGraceSeconds: {
    schema: { type: 'integer', minimum: 0, maximum: 300 },
    default: 30,
    unit: 'seconds',
    meaning: 'how long racing tabs and lost answers get the same successor of a refresh token',
    reason:
      'Longer than a client waits before it tries again; beyond five minutes a thief would have all the time he needs.',
  },
  sessionsPerAccountMax: {
    schema: { type: 'integer', minimum: 1, maximum: 1000 },
    meaning: 'a login that opens one more than this ends the oldest login of the account',
    reason:
      'No limit: it would sign people out where they do not expect it. A login looks at as many rows as the limit, so that it has an end.',
  },
  dangerouslySignOutSessionsOfPepper: {
    schema: { type: 'string', minLength: 8 },
    meaning:
      'the id of a refresh pepper that is lost or meant to be given up: a start without it is not refused any more, and everybody who has a refresh token of it is signed out',
    reason:
      'A pepper that was exchanged and not rolled signs people out without a word. The id is in the error; it is of no use for the next pepper.',
  },
} as const
