import { administratorRole, revocationsScope } from '@portcullis/protocol'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import { sharedSecretAlgorithm } from '@portcullis/protocol/jws'
import type { Attributes } from './attributes.ts'
import type { EncryptionKey } from './token-encryption.ts'
import { isSameEncryption } from './token-encryption.ts'

/** What may be asked for, and by whom: the operator's file, after it was checked. */
export interface Registry {
  readonly issuer: string
  readonly audiences: ReadonlyMap<string, Audience>
  /** Role → audience → the scopes that the role grants there. */
  readonly roles: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>
  readonly clients: ReadonlyMap<string, ClientDeclaration>
}

/** `parseIssuer` lets plain http through on loopback only, which is where people develop. */
export function isInDevelopment(issuer: string): boolean {
  return new URL(issuer).protocol === 'http:'
}

/** Of audiences, roles and clients: what an operator calls them. */
export const namePattern = '^[A-Za-z0-9._-]{1,64}$'

export function isName(text: string): boolean {
  return new RegExp(namePattern).test(text)
}

/** Of key pairs that access tokens are signed with. */
export const keyAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'] as const

/** HS256 has a shared secret and no key pair, so the keyring knows nothing of it. */
export type TokenAlgorithm = AlgorithmName | typeof sharedSecretAlgorithm

export interface Audience {
  readonly scopes: readonly string[]
  readonly roles: readonly string[]
  readonly accessTokenSeconds: number
  /** What its verifiers accept, the best first: a token has the first that is ready. */
  readonly algorithms: readonly TokenAlgorithm[]
  /** Its tokens are encrypted to this key; undefined when they are only signed. */
  readonly encryption?: EncryptionKey | undefined
  /** Claims of the operator's own in its tokens: claim → the attribute of the account that it has. */
  readonly claims: ReadonlyMap<string, string>
  /** Its tokens are bound to a key (RFC 9449), so that whoever finds one has no use for it. */
  readonly requiresDpop: boolean
}

export interface ClientDeclaration {
  readonly isPublic: boolean
  readonly grants: readonly Grant[]
  readonly audiences: readonly string[]
  /** What a machine client may ask for; people's scopes come from their roles. */
  readonly scopes: readonly string[]
}

export const grantNames = [
  'login',
  'refresh_token',
  'client_credentials',
  'token_exchange',
] as const

/** These are for clients that prove who they are, by a secret or a key of their own, and so not for public ones. */
export const confidentialGrants: readonly ConfidentialGrant[] = [
  'client_credentials',
  'token_exchange',
]

export type ConfidentialGrant = Extract<Grant, 'client_credentials' | 'token_exchange'>

export type Grant = (typeof grantNames)[number]

export function isGrant(text: string): text is Grant {
  return (grantNames as readonly string[]).includes(text)
}

/** The client a login is made with when it names none. */
export const defaultClientName = 'web'

/** The client of sign-ins at our own pages that are for no application: built in, and for identity alone. */
export const pagesClientName = 'portcullis-pages'

/** Scopes of receivers, by the names that the CAEP interoperability profile has for them: for all, and for looking alone. */
export const streamsScope = 'ssf.manage'
export const streamsReadScope = 'ssf.read'

/** Identity is an audience of its own API: its name is the issuer, and its policy is built in. */
export const issuerAudience: Audience = {
  scopes: [revocationsScope, streamsScope, streamsReadScope],
  roles: [administratorRole],
  accessTokenSeconds: 900,
  algorithms: ['RS256'],
  claims: new Map(),
  requiresDpop: false,
}

/** What one token will be for: the audiences that were chosen, and the policy they share. */
export interface TokenTarget {
  readonly audiences: readonly string[]
  /** Those that all of them accept. */
  readonly algorithms: readonly TokenAlgorithm[]
  readonly encryption?: EncryptionKey | undefined
  /** The shortest lifetime that any of the audiences allows. */
  readonly accessTokenSeconds: number
  /** Those of the audiences that take only tokens which are bound to a key. */
  readonly boundAudiences: readonly string[]
}

/** What a request may narrow; undefined asks for all that may be had. */
export interface RequestedAccess {
  readonly audiences?: readonly string[] | undefined
  readonly scopes?: readonly string[] | undefined
}

export type ChosenTarget = { readonly kind: 'target'; readonly target: TokenTarget } | RefusedTarget

export interface RefusedTarget {
  readonly kind: 'refused'
  readonly why: 'unknown-audience' | 'unknown-scope'
  readonly detail: string
}

/**
 * Chooses the audiences of a token: those that were asked for, or else all of the client's own, or
 * else identity itself. Every client here is first-party, so each may ask for the issuer too. A scope
 * that none of the chosen audiences has is an error of the request.
 */
export function chooseTarget(
  registry: Registry,
  client: Pick<ClientDeclaration, 'audiences'> & {
    /** Of these, where some may have been taken away since. */
    readonly stillOpen?: readonly string[]
  },
  requested: RequestedAccess,
): ChosenTarget {
  // The store may still know a client by an audience that has left the operator's file.
  const own = client.audiences.filter(
    (name) =>
      (name === registry.issuer || registry.audiences.has(name)) &&
      client.stillOpen?.includes(name) !== false,
  )
  const allowed = new Set([...own, registry.issuer])
  const fallback = client.audiences.length > 0 ? own : [registry.issuer]
  const names = [...new Set(requested.audiences ?? fallback)]
  if (names.length === 0 || names.some((name) => !allowed.has(name))) {
    return refused('unknown-audience', `ask for one or more of: ${[...allowed].join(', ')}`)
  }

  if (names.length > 1 && names.includes(registry.issuer)) {
    // Identity's own API takes only tokens for itself alone, and its roles are nobody else's business.
    return refused('unknown-audience', `ask for ${registry.issuer} alone`)
  }

  const policies = names.map((name) => audienceNamed(registry, name))
  const scopes = new Set(policies.flatMap((policy) => policy.scopes))
  if (requested.scopes?.some((scope) => !scopes.has(scope)) === true) {
    return refused('unknown-scope', `${names.join(', ')} has: ${[...scopes].join(', ')}`)
  }
  const algorithms = algorithmsOfAll(policies.map((policy) => policy.algorithms))
  if (algorithms.length === 0) {
    return refused(
      'unknown-audience',
      'these audiences sign with different algorithms: ask for one at a time',
    )
  }
  const [encryption] = policies.map((policy) => policy.encryption)
  if (policies.some((policy) => !isSameEncryption(policy.encryption, encryption))) {
    return refused(
      'unknown-audience',
      'these audiences have different encryption keys: ask for one at a time',
    )
  }
  const accessTokenSeconds = Math.min(...policies.map((policy) => policy.accessTokenSeconds))
  const boundAudiences = names.filter((name) => audienceNamed(registry, name).requiresDpop)
  const target = { audiences: names, algorithms, accessTokenSeconds, boundAudiences }
  return { kind: 'target', target: encryption === undefined ? target : { ...target, encryption } }
}

/** Those that are in every list, in the order of the first. */
export function algorithmsOfAll<Name>(lists: readonly (readonly Name[])[]): readonly Name[] {
  const [first = [], ...others] = lists
  return first.filter((name) => others.every((list) => list.includes(name)))
}

/**
 * Those of the granted scopes that were asked for. One that exists but is not granted is left out,
 * and the answer says which were granted (RFC 6749 section 3.3).
 */
export function narrowScopes(
  granted: readonly string[],
  requested: readonly string[] | undefined,
): readonly string[] {
  return requested === undefined ? granted : granted.filter((scope) => requested.includes(scope))
}

/** An audience of the registry, or identity itself. Only names that were checked come here. */
function audienceNamed(registry: Registry, name: string): Audience {
  const audience = name === registry.issuer ? issuerAudience : registry.audiences.get(name)
  if (audience === undefined) throw new TypeError(`the registry has no audience ${name}`)
  return audience
}

/**
 * The scopes that an account's roles grant at these audiences. The scope claim does not say for which
 * audience a scope is meant, so one that another of the audiences has too must be granted there as
 * well: otherwise `write` at a wiki would be `write` at the payroll.
 */
export function scopesOfRoles(
  registry: Registry,
  roles: readonly string[],
  audiences: readonly string[],
): readonly string[] {
  const grantedAt = new Map(
    audiences.map((audience) => [
      audience,
      new Set(roles.flatMap((role) => registry.roles.get(role)?.get(audience) ?? [])),
    ]),
  )
  const scopes = new Set([...grantedAt.values()].flatMap((granted) => [...granted]))
  return [...scopes].filter((scope) =>
    audiences
      .filter((audience) => audienceNamed(registry, audience).scopes.includes(scope))
      .every((audience) => grantedAt.get(audience)?.has(scope) === true),
  )
}

/** Those of a machine client's scopes that exist at these audiences. */
export function scopesOfClient(
  registry: Registry,
  client: Pick<ClientDeclaration, 'scopes'>,
  audiences: readonly string[],
): readonly string[] {
  const known = new Set(audiences.flatMap((name) => audienceNamed(registry, name).scopes))
  return client.scopes.filter((scope) => known.has(scope))
}

/** Those of an account's roles that these audiences know: no service learns of roles elsewhere. */
export function rolesAtAudiences(
  registry: Registry,
  roles: readonly string[],
  audiences: readonly string[],
): readonly string[] {
  const known = new Set(audiences.flatMap((name) => audienceNamed(registry, name).roles))
  return roles.filter((role) => known.has(role))
}

/** The claims of these audiences that the account has an attribute for. */
export function claimsAtAudiences(
  registry: Registry,
  attributes: Attributes,
  audiences: readonly string[],
): Attributes {
  const wanted = audiences.flatMap((name) => [...audienceNamed(registry, name).claims])
  return Object.fromEntries(
    wanted.flatMap(([claim, attribute]) => {
      const value = Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined
      return value === undefined ? [] : [[claim, value] as const]
    }),
  )
}

/** The attributes that stand in anybody's tokens. */
export function attributesInClaims(registry: Registry): ReadonlySet<string> {
  return new Set([...registry.audiences.values()].flatMap(({ claims }) => [...claims.values()]))
}

/** Those of these roles that mean nothing anywhere, and so are a mistake of who gives them. */
export function unknownRoles(registry: Registry, roles: readonly string[]): readonly string[] {
  const known = new Set(allRoles(registry))
  return roles.filter((role) => !known.has(role))
}

/** Every role that an account may have, in alphabetical order. */
export function allRoles(registry: Registry): readonly string[] {
  const atAudiences = [issuerAudience, ...registry.audiences.values()].flatMap(({ roles }) => roles)
  return [...new Set([...registry.roles.keys(), ...atAudiences])].toSorted()
}

export function isBuiltInRole(role: string): boolean {
  return issuerAudience.roles.includes(role)
}

/** The longest that any access token lives by the present settings. */
export function accessTokenSecondsMax(registry: Registry): number {
  const policies = [issuerAudience, ...registry.audiences.values()]
  return Math.max(...policies.map(({ accessTokenSeconds }) => accessTokenSeconds))
}

/** The algorithms that the keyring must be able to sign with. */
export function algorithmsInUse(registry: Registry): ReadonlySet<AlgorithmName> {
  const policies = [issuerAudience, ...registry.audiences.values()]
  return new Set(policies.flatMap(({ algorithms }) => algorithms).filter(hasKeyPair))
}

/** Whether an audience asks for HS256. */
export function usesSharedSecret(registry: Registry): boolean {
  return [...registry.audiences.values()].some(({ algorithms }) =>
    algorithms.includes(sharedSecretAlgorithm),
  )
}

export function hasKeyPair(algorithm: TokenAlgorithm): algorithm is AlgorithmName {
  return algorithm !== sharedSecretAlgorithm
}

function refused(why: RefusedTarget['why'], detail: string): RefusedTarget {
  return { kind: 'refused', why, detail }
}
