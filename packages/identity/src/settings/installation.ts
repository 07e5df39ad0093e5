/** What this issuer is called, and where it keeps what it knows. */
export const installationSettings = {
  issuer: {
    schema: { type: 'string', minLength: 1 },
    required: true,
    meaning:
      'https URL, or http on loopback, exactly as tokens carry it. A path in it is part of every route',
    reason: 'Every verifier compares it exactly, so it is said and never guessed.',
  },
  database: {
    schema: { type: 'string', minLength: 1 },
    default: 'sqlite:.portcullis/identity.db',
    holdsPassword: true,
    meaning: 'the store, `sqlite:PATH` or `postgres://user@host/database`',
    reason:
      'SQLite needs nothing but a disk. Nodes that share a PostgreSQL need nothing else in common.',
  },
} as const
