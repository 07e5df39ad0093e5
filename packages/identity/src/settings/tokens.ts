/** Access tokens, and the keys that sign them. */
export const tokenSettings = {
  jwksMaxAgeSeconds: {
    schema: { type: 'integer', minimum: 1, maximum: 3600 },
    default: 300,
    unit: 'seconds',
    meaning: 'how long others may keep keys and metadata',
    reason:
      'A key waits twice as long before it may sign, and a fleet asks twelve times an hour; above an hour a withdrawn key would live on.',
  },
  keyRotationDays: {
    schema: { type: 'integer', minimum: 1, maximum: 365 },
    default: 30,
    unit: 'days',
    meaning: 'how long a key signs before the next one follows it',
    reason: 'A rotation that happens every month is one that works on the day it is needed.',
  },
  dpopNonce: {
    schema: { type: 'string', minLength: 1, enum: ['off', 'required'] },
    default: 'off',
    meaning:
      '`required`: DPoP proofs need a nonce of this issuer (RFC 9449 section 8); `off`: they need none',
    reason:
      'A proof is good once and for a minute. A nonce also stops proofs that were made long before, for a second request of each client now and then, and not every client can do that.',
  },
  tokenBytesMax: {
    schema: { type: 'integer', minimum: 512, maximum: 4096 },
    default: 1800,
    unit: 'bytes',
    meaning: 'a larger token is refused when it would be minted',
    reason:
      'Verifiers refuse beyond 8 KiB, and half of that leaves the other headers of a request their room.',
  },
} as const
