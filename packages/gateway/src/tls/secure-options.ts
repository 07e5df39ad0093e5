import type { SecureContextOptions } from 'node:tls'
import type { TlsPair } from '@portcullis/runtime'

/**
 * RFC 9325 sections 3.1.1 and 4.2: TLS 1.2 and up, whatever this Node was told to allow, and of TLS 1.2 only what
 * encrypts and authenticates in one step under a key that nobody keeps. RFC 9113 section 9.2.2 forbids the rest.
 */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/** How a listener speaks TLS with this certificate. */
export function secureOptions({ cert, key }: TlsPair): SecureContextOptions {
  return { cert, key, minVersion: 'TLSv1.2', ciphers }
}
