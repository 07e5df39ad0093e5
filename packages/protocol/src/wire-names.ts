/** The `typ` of an access token (RFC 9068 section 2.1), in the short form of RFC 7515 section 4.1.9. */
export const accessTokenType = 'at+jwt'

/** The scope that reads the revocation feed, in a token for the issuer. */
export const revocationsScope = 'revocations.read'

/** The role that the issuer's own admin routes want. */
export const administratorRole = 'identity-admin'
