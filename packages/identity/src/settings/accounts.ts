/** Who may make an account, and the mail that goes to its owner. */
export const accountSettings = {
  'accounts.selfRegistration': {
    schema: { type: 'string', minLength: 1, enum: ['closed', 'open', 'by-mail'] },
    meaning:
      '`closed`; `open`: everybody makes an account at once; `by-mail`: whoever reads the mail of the address that becomes the identifier. Without it `open` on a loopback issuer, else `closed`',
    reason: 'An account is somebody to every service that asks for no scope.',
  },
  'accounts.defaultRoles': {
    schema: { type: 'array', uniqueItems: true, items: { type: 'string', minLength: 1 } },
    default: [],
    meaning: 'the roles of an account that somebody makes for himself; never `identity-admin`',
    reason: 'What strangers may do is a decision.',
  },
  'mail.smtpUrl': {
    schema: { type: 'string', minLength: 1 },
    holdsPassword: true,
    meaning:
      '`smtps://user:password@host`, or `smtp://…` with STARTTLS; without it no mail is sent, and on a loopback issuer it is shown on standard error',
    reason: 'No server can be guessed.',
  },
  'mail.from': {
    schema: { type: 'string', minLength: 1 },
    meaning: 'the address that mail comes from; required with a server',
    reason: 'It must be one that the server may send for.',
  },
  'mail.dangerouslyPlainSmtp': {
    schema: { type: 'boolean' },
    default: false,
    meaning: 'sends without TLS to a server that is not on this machine',
    reason: 'Whoever is on the way reads the links, and each is a credential.',
  },
  'links.reset': {
    schema: { type: 'string', minLength: 1 },
    meaning:
      'a page of your own for a new password, https, with `{token}` in the fragment (which no server and no log sees) or the query; without it one of identity itself',
    reason: 'Links are made of settings only, and of nothing that a request says.',
  },
  'links.verifyEmail': {
    schema: { type: 'string', minLength: 1 },
    meaning: 'the same for the confirmation of an address',
    reason: 'As above.',
  },
} as const
