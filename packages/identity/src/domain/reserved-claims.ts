/**
 * Claims that no operator may give a meaning of their own: ours (RFC 9068, protocol section 2), others that
 * somebody may read as a statement about the token (RFC 7662, RFC 8693, RFC 8417, OpenID Connect), and names
 * that are on every object.
 */
const reservedClaims: ReadonlySet<string> = new Set(
  (
    'iss sub aud exp nbf iat jti client_id auth_time acr amr scope roles sid gen cgen act cnf ' +
    'may_act azp nonce at_hash c_hash s_hash events txn toe sub_id active token_type username ' +
    'email email_verified __proto__ constructor prototype'
  ).split(' '),
)

export function isReservedClaim(claim: string): boolean {
  return reservedClaims.has(claim)
}
