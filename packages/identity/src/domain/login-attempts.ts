import { createHmac } from 'node:crypto'
import { networkOf } from '@portcullis/runtime/networks'

/** Somebody who shows a password for an account, or who wants one of his choice to be hashed. */
export interface Attempt {
  /** Undefined where nobody has the identifier. */
  readonly accountId: string | undefined
  /** Normalised, as accounts have it; counted where there is none, so that throttling does not tell who exists. */
  readonly identifier: string
  /** The address that the attempt comes from. */
  readonly address: string | undefined
  /**
   * Nobody's password is checked, as when somebody registers or has a link from a mail: it is counted by its network
   * alone, and what strangers have failed at the account does not stand in its way.
   */
  readonly isGuess?: false
}

/**
 * What counts failures. `known`: an account from a network from which it has signed in before. `strangers`: the
 * same account from all others together. `network`: everything that strangers try from one network.
 */
export type Counter = 'known' | 'strangers' | 'network'

/** Under which keys an attempt is counted. Each tells nothing to whoever reads the database. */
export type AttemptKeys = Readonly<Record<Counter, string>>

export type CountedAttempt =
  /** Counted as failed already. */
  | {
      readonly kind: 'admitted'
      readonly by: 'known' | 'strangers'
      /** Of the account, by strangers or from this network; of the network where nothing was guessed. This one is among them. */
      readonly failures: number
      readonly receipt: Receipt
    }
  | { readonly kind: 'throttled'; readonly by: Counter; readonly waitMs: number }
  | { readonly kind: 'strangers-refused' }

/**
 * The counters that counted an attempt, and until when it closed each; 0 where it closed nothing. What others have
 * closed since stays so when this attempt is taken back.
 */
export type Receipt = Readonly<Partial<Record<Counter, number>>>

/** Each of these is one atomic change. */
export interface AttemptStore {
  /**
   * Counts the attempt as failed in the step in which it lets it in, so that of many at once no more are let in
   * than one after the other (CVE-2023-47111). What is refused changes nothing.
   */
  readonly admit: (
    keys: AttemptKeys,
    options: { readonly mayStrangersTry: boolean; readonly isGuess: boolean },
  ) => Promise<CountedAttempt>
  /**
   * The person has shown who it is: the network is known from now on and has no failures. Those of strangers
   * stay, but for this attempt: otherwise every login of the owner would give an attacker free tries.
   */
  readonly succeed: (keys: AttemptKeys, receipt: Receipt) => Promise<void>
  /** No password was checked, so nothing has failed. */
  readonly takeBack: (keys: AttemptKeys, receipt: Receipt) => Promise<void>
  /** Notes for the owner that tries at the account are delayed from now on. */
  readonly noteDelay: (accountId: string) => Promise<void>
  /** Removes what no longer counts, and answers how much that was. */
  readonly forget: () => Promise<number>
}

const keyCharacters = 22

/** The first key of a store: releases that kept none derived it anew at each start. */
export function firstAttemptKey(sealingKey: Buffer): Buffer {
  return createHmac('sha256', sealingKey).update('portcullis login attempts').digest()
}

/**
 * Keys are keyed hashes, 128 bits: addresses are few enough to try them all against a plain one. With
 * another secret all failures and known networks would be forgotten, so it outlives the sealing key.
 */
export function createAttemptKeys(key: Buffer): (attempt: Attempt) => AttemptKeys {
  // JSON, so that no two lists of texts are written alike.
  const hash = (...parts: readonly string[]): string =>
    createHmac('sha256', key)
      .update(JSON.stringify(parts))
      .digest('base64url')
      .slice(0, keyCharacters)
  return ({ accountId, identifier, address = '' }) => {
    // By its id, because an account keeps it, and an identifier may pass to somebody else.
    const whose = accountId === undefined ? ['nobody', identifier] : ['account', accountId]
    const network = networkOf(address)
    return {
      known: hash('known', ...whose, network),
      strangers: hash('strangers', ...whose),
      network: hash('network', network),
    }
  }
}
