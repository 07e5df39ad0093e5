/** Where the revocation feed is published beside its own routes (`docs/relays.md`). */
export const natsSettings = {
  'nats.servers': {
    schema: { type: 'array', uniqueItems: true, items: { type: 'string', minLength: 1 } },
    default: [],
    meaning:
      'servers of one NATS system, `host:port` or `tls://host:port`, to whose JetStream the revocation feed is published; none for nowhere',
    reason: 'Followers read it here. A broker is worth its trouble from hundreds of them on.',
  },
  'nats.stream': {
    schema: { type: 'string', minLength: 1 },
    default: 'portcullis-revocations',
    meaning:
      'the name of the stream there, and of its one subject; made where it is missing. Each issuer has its own',
    reason: 'What followers ask for as well, unless they are told otherwise.',
  },
  'nats.credentialsFile': {
    schema: { type: 'string', minLength: 1 },
    meaning: 'the credentials (`.creds`) of the user that publishes',
    reason: 'A file, so that its permissions keep it, and never a text in the settings.',
  },
} as const

export interface NatsSettings {
  readonly servers: readonly string[]
  readonly stream: string
  readonly credentialsFile: string | undefined
}
