import { CompactEncrypt } from 'jose'
import { accessTokenType } from '@portcullis/protocol'
import type { EncryptToken } from './domain/token-encryption.ts'

/**
 * Encrypts a signed token as it stands. `cty` says that there is a JWT inside (RFC 7519 section 5.2), and `typ`
 * what the whole of it is (RFC 8725 section 3.11). Nothing is compressed.
 */
export const encryptAsJwe: EncryptToken = (token, { kid, algorithm, content, publicKey }) =>
  new CompactEncrypt(Buffer.from(token))
    .setProtectedHeader({ alg: algorithm, enc: content, typ: accessTokenType, cty: 'JWT', kid })
    .encrypt(publicKey)
