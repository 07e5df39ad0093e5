import { createHmac, timingSafeEqual } from 'node:crypto'

/*
 * The bytes that the audit record is chained by, and nothing else. Every MAC is HMAC-SHA-256 under a key that is
 * in no row but sealed, over JSON of a list that begins with what it is for: strings, integers and null have one
 * spelling there, so no two records have the same bytes.
 */

/** What is chained of a record. Text is well-formed Unicode: an engine would store anything else differently. */
export interface ChainedFields {
  readonly chain: string
  readonly seq: number
  readonly at: number
  readonly kind: string
  readonly accountId: string | null
  readonly sessionId: string | null
  readonly clientId: string | null
  readonly actor: string | null
  readonly reason: string | null
  readonly network: string | null
  readonly details: string | null
  readonly kid: string | null
  /** 1 when the row was there before it was chained. */
  readonly adopted: number
}

/**
 * Where a record is linked to: the MAC of the one before, or that of the chain's opening, and the id of its row. So
 * each record vouches for the id of the one before, and the head for that of the last.
 */
export interface ChainLink {
  readonly seq: number
  readonly mac: string
  readonly id: number
}

/** Every member that is chained, in the order of its bytes. New ones come to the end. */
const chainedMembers = [
  'chain',
  'seq',
  'at',
  'kind',
  'accountId',
  'sessionId',
  'clientId',
  'actor',
  'reason',
  'network',
  'details',
  'adopted',
  'kid',
] as const satisfies readonly (keyof ChainedFields)[]

/**
 * Each member stands beside its name, and one that is null is left out: so the bytes of a record stay what they are when
 * a later release has one more.
 */
export function recordMac(key: Buffer, previous: ChainLink, record: ChainedFields): string {
  const members = chainedMembers.flatMap((name) => {
    const value = record[name]
    return value === null ? [] : [name, value]
  })
  return macOf(key, 'record', [previous.mac, previous.id, ...members])
}

/** A chain as it was opened. It is linked to the one opened before, so that none can be left out. */
export interface ChainOpening {
  readonly number: number
  readonly chain: string
  readonly openedAt: number
}

export function openingMac(
  key: Buffer,
  previousMac: string,
  { number, chain, openedAt }: ChainOpening,
): string {
  return macOf(key, 'opening', [previousMac, number, chain, openedAt])
}

/** Where a chain ends, and where what is left of it begins. */
export interface ChainEnds {
  readonly chain: string
  readonly head: ChainLink
  /** The last record that retention has removed; before that, the opening. */
  readonly pruned: ChainLink
}

/** Without it, the last records could be deleted and the head be put back to the MAC of an earlier one. */
export function sealOfEnds(key: Buffer, { chain, head, pruned }: ChainEnds): string {
  const links = [head, pruned].flatMap(({ seq, mac, id }) => [seq, mac, id])
  return macOf(key, 'ends', [chain, ...links])
}

/** How many chains there are, and the opening of the last one. */
export interface Roster {
  readonly chains: number
  readonly mac: string
}

export function sealOfRoster(key: Buffer, { chains, mac }: Roster): string {
  return macOf(key, 'roster', [chains, mac])
}

export function isSameMac(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)]
  return left.length === right.length && timingSafeEqual(left, right)
}

function macOf(key: Buffer, use: string, values: readonly (string | number | null)[]): string {
  const bytes = JSON.stringify([`portcullis audit ${use}`, ...values])
  return createHmac('sha256', key).update(bytes).digest('base64url')
}
