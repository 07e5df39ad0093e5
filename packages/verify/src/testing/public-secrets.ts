import { Buffer } from 'node:buffer'
import { selfSignedCertificate } from './certificate.ts'
import type { TestKey } from './test-key.ts'

export type PublicSecret =
  | 'pem'
  | 'pem-crlf'
  | 'pem-untrimmed'
  | 'pem-trimmed'
  | 'pem-in-junk'
  | 'pem-body'
  | 'pem-pkcs1'
  | 'certificate'
  | 'der'
  | 'jwk'
  | 'jwks'
  | 'modulus'
  | 'x'
  | 'kid'
  | 'empty'
  | 'zeros'
  | 'text-null'
  | 'text-undefined'

/** What an algorithm-confusion attack uses as HMAC secret: a public fact about the issuer's key. */
export const publicSecrets: Readonly<Record<PublicSecret, (key: TestKey) => string | Buffer>> = {
  pem: (key) => spkiPem(key),
  'pem-crlf': (key) => spkiPem(key).replaceAll('\n', '\r\n'),
  'pem-untrimmed': (key) => ` \n${spkiPem(key)}`,
  'pem-trimmed': (key) => spkiPem(key).trim(),
  'pem-in-junk': (key) => `key:\n${spkiPem(key)}`,
  'pem-body': (key) => spkiPem(key).split('\n').slice(1, -2).join('\n'),
  'pem-pkcs1': (key) => key.publicKey.export({ type: 'pkcs1', format: 'pem' }),
  certificate: (key) => certificatePem(key),
  der: (key) => key.publicKey.export({ type: 'spki', format: 'der' }),
  jwk: (key) => JSON.stringify(key.jwk),
  jwks: (key) => JSON.stringify({ keys: [key.jwk] }),
  modulus: (key) => Buffer.from(String(key.jwk['n']), 'base64url'),
  x: (key) => Buffer.from(String(key.jwk['x']), 'base64url'),
  kid: (key) => key.kid,
  empty: () => '',
  zeros: () => Buffer.alloc(32),
  'text-null': () => 'null',
  'text-undefined': () => 'undefined',
}

function spkiPem(key: TestKey): string {
  return key.publicKey.export({ type: 'spki', format: 'pem' })
}

function certificatePem(key: TestKey): string {
  const lines =
    selfSignedCertificate(key)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}
