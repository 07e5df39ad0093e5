import type { Severity } from '../report/severity.ts'

/** What an issuer can get wrong in what it publishes and issues, for people. */
export interface Fault {
  readonly severity: Severity
  readonly title: string
  readonly remedy: string
  readonly references: readonly string[]
}

/** One fault, seen somewhere. */
export interface Seen {
  readonly fault: FaultId
  /** The key, member or document that shows it. */
  readonly where: string
}

export type FaultId =
  | 'private-key'
  | 'shared-secret'
  | 'weak-exponent'
  | 'weak-rsa'
  | 'small-exponent'
  | 'bad-point'
  | 'unreadable-key'
  | 'kid-twice'
  | 'no-kid'
  | 'no-alg'
  | 'unfit-alg'
  | 'unfit-use'
  | 'old-key'
  | 'expired-certificate'
  | 'no-metadata'
  | 'issuer-differs'
  | 'documents-differ'
  | 'plain-http'
  | 'no-jwks-uri'
  | 'jwks-elsewhere'
  | 'redirect'
  | 'no-key-set'
  | 'none-supported'
  | 'secrets-supported'
  | 'kept-too-long'
  | 'kept-too-short'
  | 'no-lifetime'
  | 'no-validator'
  | 'token-of-another'
  | 'token-key-unknown'
  | 'token-algorithm'
  | 'token-no-expiry'
  | 'token-lives-long'
  | 'token-large'
  | 'token-type'
  | 'token-no-audience'
  | 'token-claims'

export const faults: Readonly<Record<FaultId, Fault>> = {
  'private-key': {
    severity: 'critical',
    title: 'A private key is published',
    remedy: 'Withdraw the key at once, end every session, and publish public members only.',
    references: ['RFC 7517 9.2'],
  },
  'shared-secret': {
    severity: 'critical',
    title: 'A symmetric key is published',
    remedy: 'Take it out of the key set, and replace it wherever it is used.',
    references: ['RFC 7517 9.2', 'RFC 7518 6.4'],
  },
  'weak-exponent': {
    severity: 'critical',
    title: 'The exponent of an RSA key makes signatures worthless',
    remedy: 'Make another key, with the exponent 65537.',
    references: ['RFC 8017 3.1', 'FIPS 186-5 5.1'],
  },
  'weak-rsa': {
    severity: 'high',
    title: 'An RSA key has less than 2048 bits',
    remedy: 'Rotate to a key of 2048 bits or more, or to ES256 or EdDSA.',
    references: ['RFC 7518 3.3'],
  },
  'small-exponent': {
    severity: 'low',
    title: 'The exponent of an RSA key is smaller than 65537',
    remedy: 'Use 65537.',
    references: ['FIPS 186-5 5.1'],
  },
  'bad-point': {
    severity: 'high',
    title: 'The point of an EC key is not on its curve',
    remedy: 'Publish the key again; nothing that it signs can be verified.',
    references: ['RFC 8725 3.4'],
  },
  'unreadable-key': {
    severity: 'medium',
    title: 'An entry of the key set cannot be read',
    remedy: 'Publish complete keys; some libraries refuse the whole set for one that is broken.',
    references: ['RFC 7517 5'],
  },
  'kid-twice': {
    severity: 'medium',
    title: 'Two keys have the same kid',
    remedy: 'Name each key differently, such as by its thumbprint (RFC 7638).',
    references: ['RFC 7517 4.5'],
  },
  'no-kid': {
    severity: 'low',
    title: 'A key has no kid',
    remedy: 'Name each key: without a name they are tried in turn, and none can be withdrawn.',
    references: ['RFC 7517 4.5'],
  },
  'no-alg': {
    severity: 'low',
    title: 'A key does not say which algorithm it is for',
    remedy: 'Publish alg with each key: some libraries believe the token otherwise.',
    references: ['RFC 8725 3.1', 'CVE-2026-22817'],
  },
  'unfit-alg': {
    severity: 'medium',
    title: 'The alg of a key does not fit to the key',
    remedy: 'Publish the algorithm that signs with it.',
    references: ['RFC 7517 4.4'],
  },
  'unfit-use': {
    severity: 'low',
    title: 'The use or the key_ops of a signing key say something else',
    remedy: 'Publish use "sig", or key_ops with "verify", and not both.',
    references: ['RFC 7517 4.3'],
  },
  'old-key': {
    severity: 'low',
    title: 'A key is older than it should be',
    remedy: 'Rotate, and see that it happens by itself.',
    references: ['NIST SP 800-57 5.3'],
  },
  'expired-certificate': {
    severity: 'low',
    title: 'The certificate of a key has expired',
    remedy: 'Publish keys without x5c, or with a certificate that is valid.',
    references: ['RFC 7517 4.7'],
  },
  'no-metadata': {
    severity: 'medium',
    title: 'There is no metadata document',
    remedy:
      'Publish /.well-known/oauth-authorization-server, so that services are told one address only.',
    references: ['RFC 8414 3'],
  },
  'issuer-differs': {
    severity: 'high',
    title: 'The metadata is of another issuer',
    remedy: 'Publish exactly the address that tokens have as iss, to the last slash.',
    references: ['RFC 8414 3.3'],
  },
  'documents-differ': {
    severity: 'medium',
    title: 'The two metadata documents do not say the same',
    remedy: 'Publish one document at both addresses.',
    references: ['RFC 8414 5'],
  },
  'plain-http': {
    severity: 'high',
    title: 'An address of the issuer is plain http',
    remedy: 'Use https: who is between can replace the keys.',
    references: ['RFC 8414 6.1'],
  },
  'no-jwks-uri': {
    severity: 'high',
    title: 'The metadata names no key set',
    remedy: 'Publish jwks_uri.',
    references: ['RFC 8414 2'],
  },
  'jwks-elsewhere': {
    severity: 'low',
    title: 'The key set is at another host than the issuer',
    remedy: 'Serve it at the issuer: whoever has that host, or its name, signs for this issuer.',
    references: ['RFC 8414 6.1'],
  },
  redirect: {
    severity: 'medium',
    title: 'A document is answered with a redirect',
    remedy: 'Answer at the published address: careful clients follow no redirect.',
    references: ['RFC 8414 3.2'],
  },
  'no-key-set': {
    severity: 'high',
    title: 'The key set cannot be had, or has no keys',
    remedy: 'Publish a JWK Set; nothing can be verified without.',
    references: ['RFC 7517 5'],
  },
  'none-supported': {
    severity: 'high',
    title: 'The metadata offers tokens without a signature',
    remedy: 'Take none out of every list of signing algorithms.',
    references: ['RFC 8725 3.2'],
  },
  'secrets-supported': {
    severity: 'low',
    title: 'The metadata offers tokens that are signed with a shared secret',
    remedy: 'Take HS256, HS384 and HS512 out: they invite services to allow both kinds.',
    references: ['RFC 8725 3.1'],
  },
  'kept-too-long': {
    severity: 'medium',
    title: 'The key set may be kept for longer than a day',
    remedy: 'Allow minutes: for as long a stolen key is accepted after it was withdrawn.',
    references: ['RFC 9111 5.2'],
  },
  'kept-too-short': {
    severity: 'low',
    title: 'The key set may hardly be kept',
    remedy: 'Allow a minute or more, so that services get through a pause of the issuer.',
    references: ['RFC 9111 5.2'],
  },
  'no-lifetime': {
    severity: 'low',
    title: 'Nothing says how long the key set may be kept',
    remedy: 'Send Cache-Control with a max-age of minutes; each library guesses otherwise.',
    references: ['RFC 9111 4.2.2'],
  },
  'no-validator': {
    severity: 'info',
    title: 'The key set has neither ETag nor Last-Modified',
    remedy: 'Send an ETag, so that asking again costs little.',
    references: ['RFC 9110 8.8'],
  },
  'token-of-another': {
    severity: 'high',
    title: 'The iss of the token is not this issuer',
    remedy: 'Compare the setting of the issuer with what services are told.',
    references: ['RFC 9068 4'],
  },
  'token-key-unknown': {
    severity: 'high',
    title: 'The token names a key that is not published',
    remedy: 'Publish a key before it signs, for as long as key sets may be kept.',
    references: ['RFC 7517 4.5'],
  },
  'token-algorithm': {
    severity: 'high',
    title: 'The token has no signature, or that of a shared secret',
    remedy: 'Sign with an asymmetric algorithm: whoever can verify could issue otherwise.',
    references: ['RFC 8725 3.1', 'RFC 9068 2.1'],
  },
  'token-no-expiry': {
    severity: 'high',
    title: 'The token never expires',
    remedy: 'Issue exp with every token.',
    references: ['RFC 9068 2.2'],
  },
  'token-lives-long': {
    severity: 'medium',
    title: 'The token lives for more than an hour',
    remedy: 'Issue access tokens for minutes, and refresh them.',
    references: ['RFC 9700 2.2'],
  },
  'token-large': {
    severity: 'low',
    title: 'The token has more than 4 kB',
    remedy: 'Keep permissions in the service: servers and proxies refuse headers of 8 kB.',
    references: ['RFC 9110 5.4'],
  },
  'token-type': {
    severity: 'low',
    title: 'The token does not say that it is an access token',
    remedy: 'Issue typ at+jwt, so that services can tell it from an ID token.',
    references: ['RFC 9068 2.1', 'RFC 8725 3.11'],
  },
  'token-no-audience': {
    severity: 'medium',
    title: 'The token is for everybody',
    remedy: 'Issue aud, with the service that it is for.',
    references: ['RFC 9068 2.2', 'RFC 8725 3.9'],
  },
  'token-claims': {
    severity: 'low',
    title: 'The token lacks claims that access tokens have',
    remedy: 'Issue iss, sub, client_id, iat and jti with every token.',
    references: ['RFC 9068 2.2'],
  },
}
