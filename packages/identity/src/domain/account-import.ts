import type { FieldError, JsonObject } from '@portcullis/protocol'
import type { AccountFault } from './account-faults.ts'
import { nameAccount } from './account-names.ts'
import type { AccountStore } from './accounts.ts'
import type { Actor, Superseded } from './actors.ts'
import type { Attributes } from './attributes.ts'
import { applyAttributeChanges, attributesTooLarge, parseAttributeChanges } from './attributes.ts'
import type { RandomBytes } from './random.ts'
import { randomIdentifier } from './random.ts'
import type { Registry } from './registry.ts'
import { unknownRoles } from './registry.ts'

/** An account of another system, as its operator wrote it down. */
export interface GivenAccount {
  readonly identifier: string
  readonly passwordHash: string
  readonly email: string | undefined
  readonly isEmailVerified: boolean
  readonly roles: readonly string[]
  readonly attributes: JsonObject
  readonly isBlocked: boolean
}

/** The same, with everything checked. */
export interface ImportedRow extends Omit<GivenAccount, 'attributes'> {
  readonly id: string
  readonly attributes: Attributes
}

/** What an account is called cannot be taken. */
interface UnfitField {
  readonly field: string
  readonly fault: AccountFault
}

/** All that is wrong with one account. Nothing that stood there is repeated: it may be a password. */
export interface Mistaken {
  readonly kind: 'mistaken'
  readonly errors: readonly (FieldError | UnfitField)[]
}

export type FitAccount = { readonly kind: 'fit'; readonly account: ImportedRow } | Mistaken

export interface FittingParts {
  readonly registry: Registry
  readonly randomBytes: RandomBytes
  /** Why a hash of another system cannot be taken over. */
  readonly passwordHashFault: (passwordHash: string) => string | undefined
}

/** Checks and normalises an account. Does NOT look whether another one has its identifier. */
export function fitAccount(parts: FittingParts, given: GivenAccount): FitAccount {
  const errors: (FieldError | UnfitField)[] = []
  const named = nameAccount(given)
  if (named.kind === 'unfit') errors.push({ field: `/${named.field}`, fault: named.fault })
  const email = named.kind === 'unfit' ? given.email : named.email
  if (given.isEmailVerified && email === undefined) {
    errors.push({ field: '/email_verified', message: 'needs an address' })
  }
  const hashFault = parts.passwordHashFault(given.passwordHash)
  if (hashFault !== undefined) errors.push({ field: '/password_hash', message: hashFault })
  const unknown = new Set(unknownRoles(parts.registry, given.roles))
  for (const [index, role] of given.roles.entries()) {
    if (unknown.has(role)) errors.push({ field: `/roles/${index}`, message: 'is not a known role' })
  }
  const attributes = fitAttributes(given.attributes)
  if (attributes.kind === 'mistaken') errors.push(...attributes.errors)
  if (errors.length > 0 || named.kind === 'unfit' || attributes.kind === 'mistaken') {
    return { kind: 'mistaken', errors }
  }
  const { identifier } = named
  const id = randomIdentifier(parts.randomBytes)
  const account = { ...given, id, identifier, email, attributes: attributes.attributes }
  return { kind: 'fit', account }
}

function fitAttributes(
  given: JsonObject,
): { readonly kind: 'attributes'; readonly attributes: Attributes } | Mistaken {
  const parsed = parseAttributeChanges(given)
  if (parsed.kind === 'malformed') {
    const field = /^\w{1,64}$/.test(parsed.name) ? `/attributes/${parsed.name}` : '/attributes'
    const message = field === '/attributes' ? `has a name that ${parsed.why}` : parsed.why
    return { kind: 'mistaken', errors: [{ field, message }] }
  }
  const attributes = applyAttributeChanges({}, parsed.changes)
  return attributes === undefined
    ? { kind: 'mistaken', errors: [{ field: '/attributes', message: attributesTooLarge }] }
    : { kind: 'attributes', attributes }
}

/**
 * Inserts many accounts at once, all or none. Answers the ids of those whose identifier nobody had: an account that
 * nobody has confirmed gives way, and its links die.
 */
export type InsertAccounts = (
  accounts: readonly ImportedRow[],
  decision: ImportDecision,
) => Promise<{ readonly kind: 'inserted'; readonly ids: ReadonlySet<string> } | Superseded>

export interface ImportParts {
  readonly insertAccounts: InsertAccounts
  readonly accounts: Pick<AccountStore, 'findByIdentifier'>
}

export interface ImportDecision {
  readonly actor: Actor
  readonly reason?: string | undefined
}

export type ImportOutcome =
  | { readonly kind: 'created'; readonly id: string; readonly identifier: string }
  /** In a rehearsal: it would be created. */
  | { readonly kind: 'importable'; readonly identifier: string }
  /** Somebody has this identifier already, perhaps by an account before it. Nothing was changed. */
  | { readonly kind: 'exists'; readonly identifier: string }
  | Mistaken

/** Makes those accounts that are fit and not there yet, in one step, each whole. In the order given. */
export async function importAccounts(
  { insertAccounts }: ImportParts,
  candidates: readonly FitAccount[],
  decision: ImportDecision,
): Promise<
  { readonly kind: 'imported'; readonly outcomes: readonly ImportOutcome[] } | Superseded
> {
  const fit = candidates.flatMap((one) => (one.kind === 'fit' ? [one.account] : []))
  const inserted = await insertAccounts(fit, decision)
  if (inserted.kind === 'superseded') return inserted
  const outcomes = candidates.map((candidate): ImportOutcome => {
    if (candidate.kind === 'mistaken') return candidate
    const { id, identifier } = candidate.account
    return inserted.ids.has(id)
      ? { kind: 'created', id, identifier }
      : { kind: 'exists', identifier }
  })
  return { kind: 'imported', outcomes }
}

/** What `importAccounts` would do at this moment; changes nothing. */
export async function rehearseImport(
  { accounts }: ImportParts,
  candidates: readonly FitAccount[],
): Promise<readonly ImportOutcome[]> {
  const outcomes: ImportOutcome[] = []
  const before = new Set<string>()
  for (const candidate of candidates) {
    if (candidate.kind === 'mistaken') {
      outcomes.push(candidate)
      continue
    }
    const { identifier } = candidate.account
    const found = await accounts.findByIdentifier(identifier)
    const isThere = before.has(identifier) || found?.isUnconfirmed === false
    outcomes.push({ kind: isThere ? 'exists' : 'importable', identifier })
    before.add(identifier)
  }
  return outcomes
}
