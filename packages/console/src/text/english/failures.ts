export const failures = {
  'issuer-unreachable': 'Identity does not answer. Nothing is known about what you asked for.',
  'signed-out': 'Your session has ended. Sign in to go on.',
  throttled: 'That was asked too often. Wait a little.',
  'not-allowed': 'Your account has not the role that this needs: identity-admin.',
  refused: 'Identity refuses this.',
  unexpected:
    'The console has made a mistake. Load the page again; what you asked for may have been done.',
  retryAfter: (seconds: number): string => `Try again in ${seconds} s.`,
}
