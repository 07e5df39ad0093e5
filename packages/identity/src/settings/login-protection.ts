/** What stands against guessing. README, "Login protection", says how it works together. */
export const loginProtectionSettings = {
  'loginProtection.freeTries': {
    schema: { type: 'integer', minimum: 1, maximum: 100 },
    default: 10,
    meaning:
      'wrong passwords for one account, by strangers or from one known network, before there are delays',
    reason:
      'People mistype, and programs sign in several times at once; NIST SP 800-63B-4 (3.2.2) draws the line at 100.',
  },
  'loginProtection.delaySecondsMax': {
    schema: { type: 'integer', minimum: 10, maximum: 86_400 },
    default: 900,
    unit: 'seconds',
    meaning: 'the longest delay, and the time in which one wrong password is forgiven',
    reason:
      '96 guesses a day find no password that is not among the commonest; longer would mostly hurt the owner.',
  },
  'loginProtection.networkFreeTries': {
    schema: { type: 'integer', minimum: 1, maximum: 100_000 },
    default: 100,
    meaning:
      'wrong passwords of strangers and registrations from one network, for whatever account, before there are delays',
    reason: 'An office behind one address, on the morning after a holiday.',
  },
  'loginProtection.networkDelaySecondsMax': {
    schema: { type: 'integer', minimum: 10, maximum: 3600 },
    default: 36,
    unit: 'seconds',
    meaning: 'the longest of these delays, and the time in which one of them is forgiven',
    reason:
      '100 failures an hour: whoever sprays one password over accounts gets 2,400 of them a day.',
  },
  'loginProtection.strangerTriesPerMinute': {
    schema: { type: 'integer', minimum: 1, maximum: 1_000_000 },
    default: 600,
    meaning:
      'what strangers may try at each node, all of them together: logins, registrations, links from mails',
    reason:
      'A tenth of what two cores can hash, so that strangers leave most of them to people who are known.',
  },
  'loginProtection.knownNetworkDays': {
    schema: { type: 'integer', minimum: 1, maximum: 365 },
    default: 90,
    unit: 'days',
    meaning: 'a network is known to an account for so long after the last login from it',
    reason: 'As long as a session may last.',
  },
  'loginProtection.dangerouslyUnlimitedGuesses': {
    schema: { type: 'boolean' },
    default: false,
    meaning: 'turns all of this off, for a system that has no people in it',
    reason: 'Every account could be guessed as fast as the processor hashes.',
  },
} as const
