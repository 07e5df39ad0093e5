/** When the rules hold that look for attacks and faults (`docs/anomalies.md`). */
export const anomalySettings = {
  'anomalies.accountsPerNetworkMin': {
    schema: { type: 'integer', minimum: 5, maximum: 60 },
    default: 20,
    meaning:
      '`credential-stuffing`: from so many accounts on that are tried from one network within an hour',
    reason:
      'An office of thousands behind one address has fewer who never get in; who tries a list has that many in a minute.',
  },
  'anomalies.networksPerAccountMin': {
    schema: { type: 'integer', minimum: 3, maximum: 60 },
    default: 10,
    meaning:
      '`guessing-from-many-networks`: from so many networks on that fail at one account within an hour',
    reason: 'People do not mistype in ten places within an hour; botnets do.',
  },
  'anomalies.networkChangesMin': {
    schema: { type: 'integer', minimum: 2, maximum: 30 },
    default: 4,
    meaning:
      '`session-in-several-networks`: from so many changes of the network on within ten minutes',
    reason:
      'A train makes one or two of them; two holders of one session make one with each request.',
  },
  'anomalies.tokensMin': {
    schema: { type: 'integer', minimum: 1, maximum: 1_000_000 },
    default: 100,
    meaning: '`token-volume`: fewer tokens of a machine client within an hour are never too many',
    reason: 'A client that takes one an hour may take ten when it is deployed.',
  },
  'anomalies.tokensTimesUsual': {
    schema: { type: 'integer', minimum: 2, maximum: 100 },
    default: 5,
    meaning: '`token-volume`: from so many times the fullest hour of the last eight days on',
    reason: 'Sales and repairs double or treble what is usual.',
  },
  'anomalies.refusalsMin': {
    schema: { type: 'integer', minimum: 10, maximum: 10_000_000 },
    default: 200,
    meaning:
      '`refused-tokens`: fewer tokens that a service refuses for one reason within ten minutes are never too many',
    reason:
      'One client that repeats a bad token each second for some minutes is nothing to wake up for.',
  },
  'anomalies.refusalsTimesUsual': {
    schema: { type: 'integer', minimum: 2, maximum: 100 },
    default: 5,
    meaning:
      '`refused-tokens`: from so many times the fullest ten minutes of the last eight days on',
    reason: 'A deployment that starts all clients anew doubles or trebles what is usual.',
  },
  'anomalies.clockApartSeconds': {
    schema: { type: 'integer', minimum: 4, maximum: 3600 },
    default: 5,
    unit: 'seconds',
    meaning: '`clock-apart`: from so far on the clock of a service is not that of identity',
    reason:
      'What clocks may be apart for the bound of a revocation to hold; a report may take three seconds.',
  },
  'anomalies.keyOverdueHours': {
    schema: { type: 'integer', minimum: 1, maximum: 720 },
    default: 24,
    unit: 'hours',
    meaning: '`key-overdue`: so long beyond `keyRotationDays` a key may sign',
    reason: 'A node rotates within seconds of its time, and a day is time for one that was off.',
  },
  'anomalies.followerBehindSeconds': {
    schema: { type: 'integer', minimum: 10, maximum: 3600 },
    default: 60,
    unit: 'seconds',
    meaning:
      '`follower-behind`: so long after a revocation a service that reports may not have come there',
    reason: 'Twice the time after which it refuses older tokens by itself.',
  },
  'anomalies.alertFor': {
    schema: { type: 'array', uniqueItems: true, items: { type: 'string', minLength: 1 } },
    default: [],
    meaning: 'rules whose anomalies are told to the streams that have the event `anomaly-found`',
    reason: 'Whoever is woken up should have chosen by what.',
  },
  'anomalies.endSessionFor': {
    schema: { type: 'array', uniqueItems: true, items: { type: 'string', minLength: 1 } },
    default: [],
    meaning:
      'rules that end the session that they are about: `session-in-several-networks` alone may',
    reason: 'A false alarm costs somebody a login; what strangers can cause may end nothing.',
  },
  'anomalies.dangerouslyBlockAccountFor': {
    schema: { type: 'array', uniqueItems: true, items: { type: 'string', minLength: 1 } },
    default: [],
    meaning:
      'rules that block the account that they are about: `refresh-reuse` and `session-in-several-networks` alone may; never an administrator',
    reason: 'Whoever is blocked needs a person to come back, and a false alarm is one more.',
  },
  'anomalies.actionsPerHourMax': {
    schema: { type: 'integer', minimum: 1, maximum: 10_000 },
    default: 20,
    meaning: 'rules end and block no more than so much within an hour, all of them together',
    reason:
      'A proxy that hides where people come from looks like a copied session of everybody at once.',
  },
} as const
