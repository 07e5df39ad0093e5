/** Where identity sends what it records of requests. */
export const tracingSettings = {
  'tracing.endpoint': {
    schema: { type: 'string', minLength: 1 },
    meaning:
      'where [spans](../../docs/traces.md) go, by OTLP over HTTP: `http://127.0.0.1:4318/v1/traces`',
    reason: 'Nothing is told to anybody who was not named, and few installations have a collector.',
  },
  'tracing.sampleRatio': {
    schema: { type: 'number', minimum: 0, maximum: 1 },
    default: 0.1,
    meaning: 'of the requests that no trusted proxy decides about, so many are recorded',
    reason:
      'Enough to see what is slow; whoever asks can make up a trace, and not have it recorded.',
  },
} as const
