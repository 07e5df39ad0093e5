/** Where identity listens, and whom it believes what there. */
export const listenerSettings = {
  'listen.host': {
    schema: { type: 'string', minLength: 1 },
    default: '127.0.0.1',
    meaning: 'the address of the public listener',
    reason: 'Nothing is open to a network that nobody has opened by name.',
  },
  'listen.port': {
    schema: { type: 'integer', minimum: 0, maximum: 65_535 },
    default: 4000,
    meaning: 'its TCP port; 0 takes any free one',
    reason: 'Above 1023, so that no right is needed to bind it.',
  },
  'listen.tls.certificateFile': {
    schema: { type: 'string', minLength: 1 },
    meaning:
      'the certificate of the public listener in PEM, with its chain behind it; read again when it changes',
    reason: 'No certificate can be made up for a name that only the operator knows.',
  },
  'listen.tls.keyFile': {
    schema: { type: 'string', minLength: 1 },
    meaning: 'the private key of that certificate in PEM, not encrypted',
    reason: 'A file, so that its permissions keep it, and never a text in the settings.',
  },
  dangerouslyPlainHttp: {
    schema: { type: 'boolean' },
    default: false,
    meaning:
      'lets a listener that is not on loopback speak plain http, for a TLS-terminating proxy in the same private network',
    reason:
      'Whoever can listen on that network reads every password and token, and can change what is answered.',
  },
  trustedProxies: {
    schema: { type: 'array', uniqueItems: true, items: { type: 'string', minLength: 1 } },
    default: [],
    meaning:
      'networks (CIDR) of the proxies whose `X-Forwarded-For` tells the address of the client',
    reason: 'A header that anybody can send is believed from nobody who was not named.',
  },
  allowedOrigins: {
    schema: { type: 'array', uniqueItems: true, items: { type: 'string', minLength: 1 } },
    default: [],
    meaning:
      'origins of web applications whose scripts may read the answers (CORS), and whose pages may use the cookie of their site',
    reason: 'Closed: which scripts may speak for a person is never guessed, and never a pattern.',
  },
  'operations.host': {
    schema: { type: 'string', minLength: 1 },
    default: '127.0.0.1',
    meaning: 'the address of the listener for `/health/live`, `/health/ready` and `/metrics`',
    reason: 'What operators ask for is not for the public.',
  },
  'operations.port': {
    schema: { type: 'integer', minimum: 0, maximum: 65_535 },
    default: 4004,
    meaning: 'its TCP port; 0 takes any free one',
    reason: 'The last of the five ports of a development system.',
  },
} as const
