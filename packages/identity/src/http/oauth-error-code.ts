/** How the OAuth endpoints call what is wrong (RFC 6749 section 5.2 and its kin). */
export type OAuthError =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'
  // RFC 9449 sections 5 and 8.
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'
  // RFC 7009 section 2.2.1.
  | 'unsupported_token_type'
  | 'server_error'
  // Of the authorization endpoint (RFC 6749 section 4.1.2.1); the token endpoint has no name for it.
  | 'temporarily_unavailable'
