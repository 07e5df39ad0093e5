import type { Account } from './accounts.ts'

/** What administrators see of an account: nothing that is secret. */
export type ListedAccount = Omit<Account, 'readAt' | 'passwordHash' | 'generation' | 'loginFloor'>

export interface AccountFacts extends ListedAccount {
  /** Of the sessions that are kept; undefined when there are none. */
  readonly lastLoginAt: number | undefined
}

/** All that is said must hold. */
export interface AccountFilter {
  /** Normalised. */
  readonly identifier?: string | undefined
  /** What the identifier begins with; folded as identifiers are, and otherwise taken letter by letter. */
  readonly identifierPrefix?: string | undefined
  readonly role?: string | undefined
  readonly isBlocked?: boolean | undefined
  readonly isUnconfirmed?: boolean | undefined
  /** Milliseconds since 1970; neither moment itself is meant. */
  readonly createdAfter?: number | undefined
  readonly createdBefore?: number | undefined
}

/** The account that a page ends with. */
export type AccountCursor = Pick<Account, 'createdAt' | 'id'>

export interface AccountPage {
  readonly limit: number
  /** The `next` of the page before. */
  readonly after?: AccountCursor | undefined
}

export interface AccountList {
  readonly accounts: readonly ListedAccount[]
  /**
   * Where the next page goes on; undefined when there is none. A page looks at so many accounts and not further, so
   * where few of them fit it is shorter than was asked for, and there is a next one.
   */
  readonly next?: AccountCursor | undefined
}

/** Deleted accounts are in no list and are not found. */
export interface AccountDirectory {
  /**
   * The newest first. Neither what pages are ordered by ever changes, so whoever turns them sees each account that
   * was there at the beginning once, whatever is added or changed meanwhile.
   */
  readonly list: (filter: AccountFilter, page: AccountPage) => Promise<AccountList>
  readonly find: (accountId: string) => Promise<AccountFacts | undefined>
}
