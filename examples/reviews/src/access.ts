import type { Auth } from '@portcullis/verify'
import { hasRole, hasScope } from '@portcullis/verify'
import type { GraphQLFieldResolver, GraphQLSchema } from 'graphql'
import { defaultFieldResolver, GraphQLError, isNonNullType, isObjectType } from 'graphql'

/** Why something is not for this caller: the `extensions` of the GraphQL error, and its message. */
export interface Denial {
  readonly code: 'UNAUTHENTICATED' | 'FORBIDDEN'
  readonly message: string
  /** The scope or the role that would have been enough. */
  readonly scope?: string
  readonly role?: string
}

/** The object that the field belongs to; none above a query, a mutation or a subscription. */
type Parent = Readonly<Record<string, unknown>> | undefined

/** Answers a denial, or nothing when the caller may. */
export type Check = (auth: Auth | undefined, parent: Parent) => Denial | undefined

export interface Rule {
  readonly check: Check
  /** What stands in the answer instead: an error, or the same null that a field without a value has. */
  readonly otherwise: 'error' | 'null'
}

/** Which caller may have which field, by its schema coordinate (`Review.author`). */
export type AccessTable = Readonly<Record<string, Rule>>

export const signedIn: Check = (auth) =>
  auth === undefined
    ? { code: 'UNAUTHENTICATED', message: 'this needs somebody who is signed in' }
    : undefined

export function scope(name: string): Check {
  const message = `this needs the scope ${name}`
  return (auth) => {
    if (auth === undefined) return { code: 'UNAUTHENTICATED', message, scope: name }
    return hasScope(auth, name) ? undefined : { code: 'FORBIDDEN', message, scope: name }
  }
}

export function role(name: string): Check {
  const message = `this needs the role ${name}`
  return (auth) => {
    if (auth === undefined) return { code: 'UNAUTHENTICATED', message, role: name }
    return hasRole(auth, name) ? undefined : { code: 'FORBIDDEN', message, role: name }
  }
}

/** The caller is the one whose `sub` stands in this member of the parent. */
export function subjectIn(member: string): Check {
  const message = `this is for the ${member} alone`
  return (auth, parent) => {
    if (auth === undefined) return { code: 'UNAUTHENTICATED', message }
    return parent?.[member] === auth.claims.sub ? undefined : { code: 'FORBIDDEN', message }
  }
}

/** One of the two is enough. */
export function either(first: Check, second: Check): Check {
  return (auth, parent) => (first(auth, parent) === undefined ? undefined : second(auth, parent))
}

export const anybody: Rule = { check: () => undefined, otherwise: 'error' }
export const only = (check: Check): Rule => ({ check, otherwise: 'error' })
export const nullExceptFor = (check: Check): Rule => ({ check, otherwise: 'null' })

type Resolver = GraphQLFieldResolver<Parent, { readonly auth: Auth | undefined }>

/**
 * Puts every field of the schema behind its rule. Throws a TypeError for a field without a rule, so
 * that a new field is closed until somebody says who may have it, and for a rule without a field.
 */
export function guardSchema(schema: GraphQLSchema, table: AccessTable): GraphQLSchema {
  const unused = new Set(Object.keys(table))
  for (const type of Object.values(schema.getTypeMap())) {
    // Names that begin with two underscores are introspection's (GraphQL section 4.1).
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) {
      const coordinate = `${type.name}.${field.name}`
      const rule = table[coordinate]
      if (rule === undefined) throw new TypeError(`nothing says who may have ${coordinate}`)
      if (rule.otherwise === 'null' && isNonNullType(field.type)) {
        throw new TypeError(`${coordinate} can never be null, so it cannot be hidden`)
      }
      if (type === schema.getSubscriptionType()) field.subscribe = guarded(rule, field.subscribe)
      else field.resolve = guarded(rule, field.resolve)
      unused.delete(coordinate)
    }
  }
  if (unused.size > 0) throw new TypeError(`there is no field ${[...unused].join(', ')}`)
  return schema
}

function guarded(rule: Rule, resolve: Resolver = defaultFieldResolver): Resolver {
  return (parent, given, context, info) => {
    const denial = rule.check(context.auth, parent)
    if (denial === undefined) return resolve(parent, given, context, info)
    if (rule.otherwise === 'null') return null
    const { message, ...extensions } = denial
    throw new GraphQLError(message, { extensions })
  }
}
