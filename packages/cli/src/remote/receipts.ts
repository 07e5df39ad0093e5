import type { RevocationPosition } from '@portcullis/protocol'
import type { Administration, FollowerReceipt, Receipts } from '@portcullis/client/admin'
import { ClientError } from '@portcullis/client'
import { CommandError } from '../command-error.ts'
import { printable } from '../printable.ts'
import { asAdministrator } from './administration.ts'
import type { Administrator, RemoteOptions } from './credentials.ts'
import { say } from './said.ts'
import type { Column } from './table.ts'
import { printTable } from './table.ts'

/** What a command that takes something back may wait for. */
export interface WaitOptions extends RemoteOptions {
  /** Seconds, or as long as it can take. */
  readonly wait?: true | number
}

/** A revocation, and what has become of it where that was waited for. */
export interface Revoked {
  readonly revocation: RevocationPosition
  readonly reach?: Reach
}

/** What every service has said, and what clients are called, whose ids say nothing to people. */
export interface Reach {
  readonly receipts: Receipts
  readonly names: ReadonlyMap<string, string>
}

/** Usual followers refuse 35 seconds after the commit by themselves. */
const waitSecondsDefault = 40

/** Waits until every service that follows the feed refuses it, where the options say so. */
export async function withReceipts(
  { followers, clients }: Pick<Administration, 'followers' | 'clients'>,
  revocation: RevocationPosition,
  { wait }: WaitOptions,
): Promise<Revoked> {
  if (wait === undefined) return { revocation }
  const waitSeconds = wait === true ? waitSecondsDefault : wait
  try {
    const receipts = await followers.receipts(revocation, { waitSeconds })
    const names = new Map<string, string>()
    for await (const { id, name } of clients.list()) names.set(id, name)
    return { revocation, reach: { receipts, names } }
  } catch (error) {
    if (!(error instanceof ClientError)) throw error
    throw unknownReach(error.status === undefined ? 3 : 1, error.detail ?? error.message)
  }
}

/** The same, where no session of an administrator is left, or none was there. */
export async function receiptsFor(
  administrator: Administrator,
  revocation: RevocationPosition,
  options: WaitOptions,
): Promise<Revoked> {
  try {
    return await asAdministrator(administrator, (administration) =>
      withReceipts(administration, revocation, options),
    )
  } catch (error) {
    if (!(error instanceof CommandError) || error.message.startsWith(notKnown)) throw error
    throw unknownReach(error.exitCode, error.message)
  }
}

const notKnown = 'it was taken back, and how far that has come is not known'

function unknownReach(exitCode: 1 | 2 | 3, why: string): CommandError {
  const remedy =
    'Each service that follows the feed refuses it by its bound, 35 seconds by default.'
  return new CommandError(exitCode, `${notKnown}: ${printable(why)}`, remedy)
}

/**
 * Says what was done, and how far it has come; that it is not everywhere is an error. Undefined: nothing had to be
 * taken back.
 */
export async function sayRevoked(
  options: WaitOptions,
  members: object,
  sentence: string,
  revoked: Revoked | undefined,
): Promise<void> {
  if (revoked === undefined) return say(options, members, sentence)
  const { revocation, reach } = revoked
  if (reach === undefined) return say(options, { ...members, revocation }, sentence)
  const receipts = membersOfReach(reach)
  say(options, { ...members, revocation, receipts }, `${sentence}; ${summaryOf(reach.receipts)}`)
  await sayReach(options, reach)
}

/** Names every follower that was told of, and fails while one may accept what was revoked. */
export async function sayReach({ json }: WaitOptions, { receipts, names }: Reach): Promise<void> {
  const { followers, isEverywhere, unknown, applied, refusing } = receipts
  if (json !== true && followers.length > 0) {
    const named = followers.map((one) => ({ ...one, name: nameOf(one, names) }))
    await printTable(named, columns, process.stdout)
  }
  if (isEverywhere) return
  throw new CommandError(
    1,
    `it is not everywhere: not known of ${unknown} of ${unknown + applied + refusing} followers`,
    'Each of them refuses by itself at its UNTIL, and none whose UNTIL is "never": it goes on without the feed (whenStale accept).',
  )
}

type NamedReceipt = FollowerReceipt & { readonly name: string }

const columns: readonly Column<NamedReceipt>[] = [
  { title: 'CLIENT', of: ({ name }) => name },
  { title: 'FOLLOWER', of: ({ follower }) => follower },
  { title: 'STATE', of: ({ state }) => state },
  { title: 'AFTER_MS', of: ({ afterMs }) => afterMs?.toString() },
  { title: 'UNTIL', of: ({ state, until }) => (state === 'unknown' ? (until ?? 'never') : until) },
]

/** On loopback a follower needs no client. */
function nameOf({ client }: FollowerReceipt, names: Reach['names']): string {
  return client === undefined ? '(no client)' : (names.get(client) ?? client)
}

export function membersOfReach({ receipts, names }: Reach): object {
  const { isEverywhere, slowestMs, committedAt, ...counts } = receipts
  const followers = counts.followers.map(({ afterMs, reportedAt, ...one }) => ({
    ...one,
    ...(one.client === undefined ? {} : { client_name: names.get(one.client) }),
    after_ms: afterMs,
    reported_at: reportedAt,
  }))
  return {
    ...counts,
    everywhere: isEverywhere,
    slowest_ms: slowestMs,
    committed_at: committedAt,
    followers,
  }
}

/** What a person wants to know first. */
export function summaryOf({ applied, refusing, slowestMs }: Receipts): string {
  if (applied + refusing === 0) return 'nobody who follows the feed has reported it'
  const slowest = slowestMs === undefined ? '' : `, the slowest after ${slowestMs} ms at most`
  const silent = refusing === 0 ? '' : `; silent, and refuse by themselves: ${refusing}`
  return `followers that refuse it: ${applied}${slowest}${silent}`
}
