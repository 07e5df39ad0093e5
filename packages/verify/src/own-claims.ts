import type { AccessTokenClaims } from '@portcullis/protocol'
import { demand } from './option-checks.ts'

/**
 * What validation libraries agree on (https://standardschema.dev, version 1), as far as it is used
 * here: zod, valibot, arktype and others have it.
 */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

interface SchemaIssue {
  /** Not used: libraries quote the value in it. */
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

export type JudgedOwnClaims<Output> =
  | {
      readonly kind: 'ok'
      readonly own: Output
      /** False when something in it can be changed still: a Date, a Map, an instance of a class. */
      readonly isFrozen: boolean
    }
  /** Where claims do not fit, as `tenant.id`; empty for the claims as a whole. Never a value. */
  | { readonly kind: 'refused'; readonly paths: readonly string[] }

export type OwnClaimsCheck<Output> = (
  claims: AccessTokenClaims,
) => JudgedOwnClaims<Output> | Promise<JudgedOwnClaims<Output>>

/**
 * Checks claims of the service's own by a schema, which sees a copy of all claims of a token that was
 * verified. A schema that is not asynchronous is answered at once. What it makes of the claims is frozen at
 * every depth; a Date, a Map or an instance of a class in it stays as it is.
 *
 * Throws a TypeError at once when this is no Standard Schema. What a schema throws while it validates
 * goes through: that is a mistake in it, and the token does not count.
 */
export function createOwnClaimsCheck<Output>(
  schema: StandardSchemaV1<unknown, Output>,
): OwnClaimsCheck<Output> {
  const standard = standardOf(schema)
  return (claims) => {
    // The claims are frozen, and there are libraries that change what they are given.
    const result = standard.validate(structuredClone(claims))
    return 'then' in result ? Promise.resolve(result).then(judge) : judge(result)
  }
}

function standardOf<Output>(
  schema: StandardSchemaV1<unknown, Output> | undefined,
): StandardSchemaV1<unknown, Output>['~standard'] {
  const standard = schema?.['~standard']
  const isStandard = standard?.version === 1 && typeof standard.validate === 'function'
  demand(isStandard, 'claims', 'must be a Standard Schema (version 1)')
  return standard
}

function judge<Output>(result: SchemaResult<Output>): JudgedOwnClaims<Output> {
  if (result.issues !== undefined) return { kind: 'refused', paths: pathsOf(result.issues) }
  // Something that is neither must not let a token in with nothing checked.
  if (!('value' in result)) throw new TypeError('the schema has answered neither value nor issues')
  return { kind: 'ok', own: result.value, isFrozen: deepFreeze(result.value, new Set()) }
}

/** More tell nobody more, and the names of members may be those of the token. */
const pathsMax = 16
const pathCharactersMax = 128

function pathsOf(issues: readonly SchemaIssue[]): readonly string[] {
  const paths = issues.map(({ path = [] }) => path.map(nameOf).join('.'))
  return [...new Set(paths.map((path) => path.slice(0, pathCharactersMax)))].slice(0, pathsMax)
}

function nameOf(segment: PropertyKey | { readonly key: PropertyKey }): string {
  const name = String(typeof segment === 'object' ? segment.key : segment)
  // Paths end up in messages, challenges and logs.
  return name.replaceAll(/[^\x21\x23-\x5b\x5d-\x7e]/g, '?')
}

/** Only what freezing protects: the inside of a Map is not, and a typed array refuses. True for all of it. */
function deepFreeze(value: unknown, seen: Set<unknown>): boolean {
  if (typeof value === 'function') return false
  if (typeof value !== 'object' || value === null || seen.has(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return false
  seen.add(value)
  Object.freeze(value)
  // All of them, also behind one that is not.
  const outcomes = Object.values(value).map((member) => deepFreeze(member, seen))
  return outcomes.every(Boolean)
}
