import type { Severity } from '../report/severity.ts'

/** What a service that accepts an attack gets wrong, for people. */
export interface Weakness {
  readonly title: string
  /** The most that it can be; single attacks of it may weigh less. */
  readonly severity: Severity
  readonly meaning: string
  readonly remedy: string
}

export type WeaknessId =
  | 'no-token'
  | 'route-bypass'
  | 'identity-header'
  | 'token-in-query'
  | 'token-in-cookie'
  | 'revocation'
  | 'unsigned'
  | 'algorithm-confusion'
  | 'forged-signature'
  | 'key-from-token'
  | 'outbound-request'
  | 'encrypted'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'no-expiry'
  | 'not-yet-valid'
  | 'token-type'
  | 'crit'
  | 'algorithm-name'
  | 'signature-encoding'
  | 'token-structure'
  | 'bound-token'
  | 'encoding'
  | 'json'
  | 'limits'
  | 'key-id'
  | 'claim-shapes'
  | 'authorization-header'
  | 'extensions'
  | 'server-error'
  | 'stack-trace'
  | 'token-in-answer'
  | 'challenge'
  | 'stops-answering'
  | 'no-answer'
  | 'cacheable'

const table: Readonly<Record<WeaknessId, Weakness>> = {
  'no-token': {
    title: 'It answers without a token',
    severity: 'critical',
    meaning: 'Everybody gets what only callers with a valid token should get.',
    remedy: 'Refuse a request without a token with 401, on every route that is not meant for all.',
  },
  'route-bypass': {
    title: 'Another spelling of the same request gets past the check',
    severity: 'critical',
    meaning: 'The guard and what is behind it disagree about which route is asked for.',
    remedy:
      'Guard routes where they are declared, by default all of them, and compare paths as the router does.',
  },
  'identity-header': {
    title: 'It believes headers that say who is asking',
    severity: 'critical',
    meaning: 'Whoever reaches the service directly is whoever it says.',
    remedy:
      'Verify the token in the service; let only the gateway reach it, and delete such headers there.',
  },
  'token-in-query': {
    title: 'It takes tokens from the query',
    severity: 'low',
    meaning: 'Tokens end up in logs of servers and proxies, and in histories of browsers.',
    remedy: 'Take tokens from the Authorization header alone (RFC 6750 section 5.3).',
  },
  'token-in-cookie': {
    title: 'It takes tokens from cookies of requests that another site has caused',
    severity: 'low',
    meaning: 'Where such a request changes something, any page can have a browser send it (CSRF).',
    remedy: 'Demand a proof of origin with cookies: Sec-Fetch-Site, Origin or a token of the page.',
  },
  revocation: {
    title: 'It goes on to accept a token that was taken back',
    severity: 'medium',
    meaning: 'Logout, block and theft take effect only when the token expires.',
    remedy:
      'Follow the revocation feed of the issuer, ask it by introspection, or let tokens live for minutes.',
  },
  unsigned: {
    title: 'It accepts tokens without a signature',
    severity: 'critical',
    meaning: 'Anybody can write a token for any account.',
    remedy:
      'Give the verifying library the list of algorithms that the issuer uses, and never call its decode function instead of verify.',
  },
  'algorithm-confusion': {
    title: 'It takes a public key for a shared secret',
    severity: 'critical',
    meaning:
      'Anybody who has the public key of the issuer, and that is everybody, can sign tokens.',
    remedy: 'Allow only the asymmetric algorithms of the issuer: never HS256 beside RS256.',
  },
  'forged-signature': {
    title: 'It accepts signatures that the issuer has not made',
    severity: 'critical',
    meaning: 'Anybody can sign a token for any account.',
    remedy: 'Verify the signature over header and payload with a key of the issuer.',
  },
  'key-from-token': {
    title: 'It takes the key from the token itself',
    severity: 'critical',
    meaning: 'An attacker brings the key along, in jwk, jku, x5u, x5c or iss, and signs with it.',
    remedy: 'Take keys from the configured issuer only, and ignore every key that a token names.',
  },
  'outbound-request': {
    title: 'A token makes it ask an address that the attacker chose',
    severity: 'high',
    meaning:
      'Requests can be sent into the network of the service (SSRF), and its keys may come from there.',
    remedy:
      'Compare iss with the configured issuer before anything is fetched; ignore jku and x5u.',
  },
  encrypted: {
    title: 'It takes an encrypted token for a signed one',
    severity: 'critical',
    meaning: 'Anybody can encrypt to a public key: that proves nothing about who wrote the claims.',
    remedy: 'Refuse tokens of five parts, or demand a verified signature inside.',
  },
  issuer: {
    title: 'It accepts tokens of other issuers',
    severity: 'high',
    meaning: 'A token for another tenant or environment that shares keys is good here.',
    remedy: 'Compare iss exactly with one text; no pattern, no prefix, no list inside the token.',
  },
  audience: {
    title: 'It accepts tokens for other services',
    severity: 'high',
    meaning: 'Whoever is given a token, another service among them, can use it here.',
    remedy: 'Name the audience of this service to the verifying library, and compare it exactly.',
  },
  expired: {
    title: 'It accepts expired tokens',
    severity: 'high',
    meaning: 'A token that was stolen or logged once is good for ever.',
    remedy: 'Check exp against the clock, with a leeway of seconds.',
  },
  'no-expiry': {
    title: 'It accepts tokens that never expire',
    severity: 'medium',
    meaning: 'A token without exp, such as one for another purpose, is good for ever.',
    remedy: 'Require exp (RFC 9068 section 2.2), not only check it where it is there.',
  },
  'not-yet-valid': {
    title: 'It accepts tokens before their time',
    severity: 'medium',
    meaning: 'nbf is not looked at.',
    remedy: 'Check nbf against the clock, with a leeway of seconds.',
  },
  'token-type': {
    title: 'It accepts tokens of another kind',
    severity: 'medium',
    meaning:
      'An ID token, a logout token or any other JWT of the same issuer opens what an access token should.',
    remedy: 'Require typ at+jwt (RFC 9068 section 4), or what the issuer puts there.',
  },
  crit: {
    title: 'It ignores crit',
    severity: 'medium',
    meaning: 'The token says that it must be refused by who does not understand it, and is not.',
    remedy: 'Refuse tokens with a crit header (RFC 7515 section 4.1.11).',
  },
  'algorithm-name': {
    title: 'It does not hold the algorithm of the token against that of the key',
    severity: 'low',
    meaning: 'What the header says of the algorithm is not compared with what the key is for.',
    remedy: 'Refuse whatever alg is not exactly the one that the key is for.',
  },
  'signature-encoding': {
    title: 'It accepts a signature in more than one spelling',
    severity: 'low',
    meaning: 'One token has many texts, which lists of refused tokens do not know.',
    remedy: 'Accept the encoding of RFC 7518 only.',
  },
  'token-structure': {
    title: 'It accepts what is not a compact JWS of three parts',
    severity: 'low',
    meaning: 'Two readers may find different claims in one text.',
    remedy: 'Refuse everything but three base64url parts (RFC 7515 section 7.1).',
  },
  'bound-token': {
    title: 'It accepts a token that is bound to a key from whoever sends it',
    severity: 'high',
    meaning: 'A stolen token is worth something without its key.',
    remedy: 'Refuse a token with cnf that comes without its proof (RFC 9449 section 7.1).',
  },
  encoding: {
    title: 'It reads base64url leniently',
    severity: 'info',
    meaning: 'One token has many texts. That hurts where tokens are compared as texts.',
    remedy: 'Nothing to do where no list or cache has the text of a token as its key.',
  },
  json: {
    title: 'It reads JSON leniently',
    severity: 'info',
    meaning:
      'Members that stand there twice, or broken UTF-8: another reader of the token may see other claims.',
    remedy: 'Let the issuer write strict JSON; a stricter parser refuses the rest.',
  },
  limits: {
    title: 'It accepts tokens of any size and depth',
    severity: 'info',
    meaning: 'Work for each request that a stricter limit would save.',
    remedy: 'Limit the length of the token before it is decoded.',
  },
  'key-id': {
    title: 'It does not demand a kid that it knows',
    severity: 'info',
    meaning: 'The signature counts, and kid is ignored. Good with one key; slow with many.',
    remedy: 'Demand the kid of a published key.',
  },
  'claim-shapes': {
    title: 'It does not check the shape of claims',
    severity: 'info',
    meaning: 'A mistake of the issuer reaches the code behind: a number where a text is expected.',
    remedy: 'Check the claims that the code reads: their presence and their types.',
  },
  'authorization-header': {
    title: 'It reads the Authorization header leniently',
    severity: 'info',
    meaning:
      'A header that two readers read differently, such as a proxy and the service behind it.',
    remedy: 'Accept one field with `Bearer`, one space and the token; answer 400 to the rest.',
  },
  extensions: {
    title: 'It ignores b64 or zip in the header',
    severity: 'info',
    meaning: 'What the token says about its own encoding is not looked at.',
    remedy: 'Refuse both: no access token has them.',
  },
  'server-error': {
    title: 'It answers a bad token with a server error',
    severity: 'low',
    meaning: 'The token got further than it should: an exception that nobody has thought of.',
    remedy: 'Catch what the verifying library throws, and answer 401.',
  },
  'stack-trace': {
    title: 'Its refusals tell where in the code they come from',
    severity: 'medium',
    meaning: 'Paths and versions of libraries help an attacker.',
    remedy: 'Answer a problem document of your own; keep the stack in the log.',
  },
  'token-in-answer': {
    title: 'Its refusals repeat the token',
    severity: 'medium',
    meaning: 'What is in an answer gets into logs of proxies and into pages.',
    remedy: 'Never put what the caller sent into an error.',
  },
  challenge: {
    title: 'Its 401 has no WWW-Authenticate, or one that cannot be read',
    severity: 'low',
    meaning: 'Clients cannot tell a token that has expired from a mistake of theirs.',
    remedy: 'Send `WWW-Authenticate: Bearer`, with error="invalid_token" where a token was sent.',
  },
  'stops-answering': {
    title: 'It does not answer any more after an attack',
    severity: 'high',
    meaning: 'One request of anybody takes the service away from all.',
    remedy: 'Catch what is thrown while a request is authenticated; limit the size of tokens.',
  },
  'no-answer': {
    title: 'It does not answer some attacks in time',
    severity: 'medium',
    meaning: 'A small request holds the service up, or its connection breaks.',
    remedy: 'Limit the size of tokens, and use no patterns on what is in them.',
  },
  cacheable: {
    title: 'Its answers may be kept by shared caches',
    severity: 'medium',
    meaning: 'A cache in front may give the answer of one caller to another.',
    remedy: 'Send `Cache-Control: private` or `no-store` with what needs a token.',
  },
}

export const weaknesses: ReadonlyMap<WeaknessId, Weakness> = new Map(
  Object.entries(table) as [WeaknessId, Weakness][],
)

export function weaknessNamed(id: WeaknessId): Weakness {
  return table[id]
}
