import { administratorRole, revocationsScope } from '@portcullis/protocol'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { Attributes } from './attributes.ts'

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

export interface Audience {
  readonly scopes: readonly string[]
  readonly roles: readonly string[]
  readonly accessTokenSeconds: number
  readonly algorithm: AlgorithmName
  /** Claims of the operator's own in its tokens: claim → the attribute of the account that it has. */
  readonly claims: ReadonlyMap<string, string>
}

export interface ClientDeclaration {
  readonly isPublic: boolean
  readonly grants: readonly Grant[]
  readonly audiences: readonly string[]
  /** What a machine client may ask for; people's scopes come from their roles. */
  readonly scopes: readonly string[]
}

export const grantNames = ['login', 'refresh_token', 'client_credentials'] as const

export type Grant = (typeof grantNames)[number]

export function isGrant(text: string): text is Grant {
  return (grantNames as readonly string[]).includes(text)
}

/** The client a login is made with when it names none. */
export const defaultClientName = 'web'

/** Identity is an audience of its own API: its name is the issuer, and its policy is built in. */
export const issuerAudience: Audience = {
  scopes: [revocationsScope],
  roles: [administratorRole],
  accessTokenSeconds: 900,
  algorithm: 'RS256',
  claims: new Map(),
}

/** What one token will be for: the audiences that were chosen, and the policy they share. */
export interface TokenTarget {
  readonly audiences: readonly string[]
  readonly algorithm: AlgorithmName
  /** The shortest lifetime that any of the audiences allows. */
  readonly accessTokenSeconds: number
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
  client: Pick<ClientDeclaration, 'audiences'>,
  requested: RequestedAccess,
): ChosenTarget {
  // The store may still know a client by an audience that has left the operator's file.
  const own = client.audiences.filter(
    (name) => name === registry.issuer || registry.audiences.has(name),
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
  const algorithms = new Set(policies.map((policy) => policy.algorithm))
  const [algorithm] = algorithms
  if (algorithm === undefined || algorithms.size > 1) {
    return refused(
      'unknown-audience',
      'these audiences sign with different algorithms: ask for one at a time',
    )
  }
  const accessTokenSeconds = Math.min(...policies.map((policy) => policy.accessTokenSeconds))
  return { kind: 'target', target: { audiences: names, algorithm, accessTokenSeconds } }
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
  const known = new Set([
    ...registry.roles.keys(),
    ...[issuerAudience, ...registry.audiences.values()].flatMap((audience) => audience.roles),
  ])
  return roles.filter((role) => !known.has(role))
}

/** The longest that any access token lives by the present settings. */
export function accessTokenSecondsMax(registry: Registry): number {
  const policies = [issuerAudience, ...registry.audiences.values()]
  return Math.max(...policies.map(({ accessTokenSeconds }) => accessTokenSeconds))
}

/** The algorithms that the keyring must be able to sign with. */
export function algorithmsInUse(registry: Registry): ReadonlySet<AlgorithmName> {
  const policies = [issuerAudience, ...registry.audiences.values()]
  return new Set(policies.map(({ algorithm }) => algorithm))
}

function refused(why: RefusedTarget['why'], detail: string): RefusedTarget {
  return { kind: 'refused', why, detail }
}
