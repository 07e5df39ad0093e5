export const sessions = {
  title: 'Sessions',
  nobody: 'Nobody is signed in.',
  columns: {
    account: 'Account',
    client: 'Client',
    device: 'Device',
    network: 'Network',
    signedIn: 'Signed in',
    lastUsed: 'Last used',
    actions: 'Actions',
  },
  state: { label: 'Show', live: 'Live sessions', all: 'Live and ended' },
  search: 'Account',
  searchHint: 'Its name, or its id',
  none: 'Not signed in anywhere.',
  end: 'End',
  endTitle: (identifier: string): string => `End this session of ${identifier}`,
  endText:
    'Whoever uses it is signed out: at identity at once, at every service as soon as the news is there.',
  endRun: 'End the session',
  /** Each stands in the record as it is said here. */
  reasons: ['Stolen session', 'Lost device', 'The person asked for it'],
  ownText:
    'This is your own session, in this browser: you will be signed out, and will have to sign in again to go on.',
  ownAccountText: 'This is a session of your own account.',
  thisBrowser: 'this browser',
  id: 'Session id',
  ended: 'ended',
  bound: 'bound to a key',
  unknownDevice: 'unknown device',
  browserOn: (browser: string, system: string): string => `${browser} on ${system}`,
}
