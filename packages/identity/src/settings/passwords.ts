/** What a new password must not be, and how passwords are hashed. README, "Passwords". */
export const passwordSettings = {
  'passwords.contextWords': {
    schema: { type: 'array', uniqueItems: true, items: { type: 'string', minLength: 1 } },
    default: ['portcullis'],
    meaning:
      "names that passwords must not contain, of at least 4 characters, beside the labels of the issuer's host",
    reason: 'Whoever attacks one service begins with its names.',
  },
  'passwords.wordFile': {
    schema: { type: 'string', minLength: 1 },
    meaning:
      'more passwords that are too common: a UTF-8 text file with one on each line, at most 8 MiB; read at the start',
    reason:
      'Our own list is there without it; what people choose in one place is known there only.',
  },
  'passwords.breached.baseUrl': {
    schema: { type: 'string', minLength: 1 },
    meaning:
      'a service with the range API of Have I Been Pwned, such as `https://api.pwnedpasswords.com`, that is asked about each new password; without it nobody is asked',
    reason:
      'A service outside learns that somebody chose a password, which is for the operator to say.',
  },
  'passwords.breached.timeoutMs': {
    schema: { type: 'integer', minimum: 1, maximum: 10_000 },
    default: 1000,
    unit: 'milliseconds',
    meaning:
      'how long a new password waits for that answer; without one it is taken, and a warning logged',
    reason: 'Ten times what it mostly takes; nobody waits longer than 10 s for a form.',
  },
  'passwords.hashCost.memoryKib': {
    schema: { type: 'integer', minimum: 7168, maximum: 262_144 },
    default: 19_456,
    unit: 'KiB',
    meaning: 'the memory of a new argon2id hash',
    reason:
      "OWASP's first choice, with two passes; at most 256 MiB, of which each running hash takes its own.",
  },
  'passwords.hashCost.passes': {
    schema: { type: 'integer', minimum: 1, maximum: 64 },
    default: 2,
    meaning: 'how often it goes over that memory; with less memory there must be more',
    reason:
      "OWASP's equivalents are the minimum: 46 MiB once, 19 MiB twice, 12, 9 and 7 MiB 3, 4 and 5 times.",
  },
  'passwords.hashCost.lanes': {
    schema: { type: 'integer', minimum: 1, maximum: 16 },
    default: 1,
    meaning: 'its degree of parallelism',
    reason: 'One: a server has other logins for its other cores.',
  },
  'passwords.hashesRunningMax': {
    schema: { type: 'integer', minimum: 1, maximum: 1023 },
    meaning:
      'how many hashes run at once, fewer than `UV_THREADPOOL_SIZE` (4 unless it is set). Without it as many as there are cores, and one fewer than there are threads',
    reason: 'Hashes take whole threads, and files, DNS and signatures wait for one that is free.',
  },
  'passwords.hashesWaitingMax': {
    schema: { type: 'integer', minimum: 0, maximum: 10_000 },
    default: 100,
    meaning:
      'how many more may wait, half of them strangers, before people get a 503 that tells how long the queue will take',
    reason: 'About a second of work for two cores.',
  },
} as const
