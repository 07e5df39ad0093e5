import { createHash } from 'node:crypto'
import type { RefusalReason } from '@portcullis/protocol/revocations'
import { canonicalAddress, unknownNetwork } from '@portcullis/runtime/networks'
import type { Session } from '../sessions.ts'

/*
 * What rules look at (`rules.ts`): what the audit record says, and what happens so often that the record does
 * not have it. Nothing here is a secret, an identifier or an address: networks are wide, and accounts are ids.
 */

/** What a node sees itself, and nobody could read in the audit record. */
export type Sighting =
  | WrongPassword
  | {
      readonly kind: 'signed-in'
      readonly network: string
      readonly accountId: string
      readonly sessionId: string
      readonly device: string
      /** The account had not signed in from this address before. */
      readonly isStranger: boolean
    }
  | {
      readonly kind: 'session-used'
      readonly network: string
      /** Where its login came from. */
      readonly loginNetwork: string
      readonly accountId: string
      readonly sessionId: string
    }
  | { readonly kind: 'tokens-issued'; readonly clientId: string; readonly times: number }
  /** A follower says that it has refused so many tokens. */
  | {
      readonly kind: 'tokens-refused'
      readonly clientId: string
      /** `other`: one that followers of later releases have. */
      readonly reason: RefusalReason | 'other'
      readonly times: number
    }
  | {
      readonly kind: 'clock-apart'
      readonly clientId: string
      readonly follower: string
      /** Positive when its clock is ahead. */
      readonly apartMs: number
    }

export interface WrongPassword {
  readonly kind: 'wrong-password'
  readonly network: string
  /** The account; or, where nobody has the identifier, what tells it from others and nothing else. */
  readonly target: string
  readonly accountId: string | undefined
  readonly times: number
}

/** What the store says when it is asked. */
export type Looked =
  | { readonly kind: 'key-overdue'; readonly kid: string; readonly overdueMs: number }
  | {
      readonly kind: 'follower-behind'
      readonly clientId: string
      readonly follower: string
      /** How many revocations, each of which it should have by now; undefined for one in another epoch. */
      readonly lacks: number | undefined
    }

/** A record of the audit log that a rule is about. */
export interface Recorded {
  readonly kind: 'recorded'
  readonly event: RecordedKind
  /** `<chain>:<seq>`. */
  readonly record: string
  readonly accountId: string | undefined
  readonly sessionId: string | undefined
  readonly network: string | undefined
}

export const recordedKinds = ['refresh-reuse', 'history-lost', 'history-renewed'] as const
export type RecordedKind = (typeof recordedKinds)[number]

/** Milliseconds since 1970. */
export type At<Seen> = Seen & { readonly at: number }

export type Clue = At<Sighting | Looked | Recorded>

/** To be told by whoever sees something. It answers at once, and never fails. */
export type Notice = (sighting: Sighting) => void

/** A session whose token or refresh token was shown, and was good. */
export function useOf(
  { id: sessionId, accountId, network }: Pick<Session, 'id' | 'accountId' | 'network'>,
  address: string | undefined,
): Sighting {
  const loginNetwork = wideNetworkOf(network)
  return {
    kind: 'session-used',
    sessionId,
    accountId,
    network: wideNetworkOf(address),
    loginNetwork,
  }
}

/** The /24 of an IPv4 address, the /48 of an IPv6 one: what one household, office or provider moves about in. */
export function wideNetworkOf(address: string | undefined): string {
  const canonical = canonicalAddress(address ?? '')
  if (canonical === undefined) return unknownNetwork
  if (canonical.includes(':')) return `${firstGroups(canonical)}::/48`
  return `${canonical.split('.').slice(0, 3).join('.')}.0/24`
}

const groupsOf48 = 3

function firstGroups(canonical: string): string {
  const [head = '', tail = ''] = canonical.split('::')
  const [left, right] = [head, tail].map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - (left?.length ?? 0) - (right?.length ?? 0)
  const zeros = Array.from({ length: missing }, () => '0')
  return [...(left ?? []), ...zeros, ...(right ?? [])].slice(0, groupsOf48).join(':')
}

const markCharacters = 8

/** Tells one kind of device from another by its `User-Agent`, whatever version it has by now. */
export function deviceMark(device: string | undefined): string {
  const family = (device ?? '').replaceAll(/\d[\d._]*/g, '')
  return createHash('sha256').update(family).digest('base64url').slice(0, markCharacters)
}
