import { CommandError } from '../command-error.ts'
import { asAdministrator } from './administration.ts'
import type { DecisionOptions, RemoteOptions } from './credentials.ts'
import { readAdministrator } from './credentials.ts'
import { orNone } from './named.ts'
import type { KeyInfo } from '@portcullis/client/admin'
import type { Revoked, WaitOptions } from './receipts.ts'
import { membersOfReach, sayReach, summaryOf, withReceipts } from './receipts.ts'
import type { Column } from './table.ts'
import { printTable } from './table.ts'

/** Prints every key that is published, and those that were destroyed. */
export async function runKeysList(options: RemoteOptions): Promise<void> {
  await print(options, await asAdministrator(readAdministrator(options), ({ keys }) => keys.list()))
}

export interface RotateOptions extends RemoteOptions {
  readonly purpose?: string
  readonly algorithm?: string
  readonly reason?: string
}

/** Promotes the waiting keys. Refused, with the moment when it may, while they are too young. */
export async function runKeysRotate(options: RotateOptions): Promise<void> {
  const { purpose, algorithm, reason } = options
  const rotation = {
    ...(purpose === undefined ? {} : { purpose }),
    ...(algorithm === undefined ? {} : { algorithm }),
    ...(reason === undefined ? {} : { reason }),
  }
  const rotated = await asAdministrator(readAdministrator(options), ({ keys }) =>
    keys.rotate(rotation),
  )
  await print(options, rotated)
}

/** Takes a key out of use for good and at once. Asked again it changes nothing. */
export async function runKeysWithdraw(
  kid: string,
  options: DecisionOptions & WaitOptions,
): Promise<void> {
  const { reason } = options
  const { keys, revoked } = await asAdministrator(
    readAdministrator(options),
    async (administration) => {
      const withdrawn = await orNone(administration.keys.withdraw(kid, { reason }), 'key', kid)
      const { revocation } = withdrawn
      return {
        keys: withdrawn.keys,
        revoked: revocation && (await withReceipts(administration, revocation, options)),
      }
    },
  )
  await print(options, keys, revoked)
  if (options.wait === undefined) return
  if (revoked?.reach === undefined) {
    const remedy =
      'It is a key of the feed, or was withdrawn before: ask with GET /revocations/receipts.'
    throw new CommandError(1, 'no token was taken back, so there is nothing to wait for', remedy)
  }
  if (options.json !== true) process.stdout.write(`${summaryOf(revoked.reach.receipts)}\n`)
  await sayReach(options, revoked.reach)
}

async function print(
  { json }: RemoteOptions,
  keys: readonly KeyInfo[],
  { revocation, reach }: Partial<Revoked> = {},
): Promise<void> {
  if (json !== true) return printTable(keys.toSorted(byPurpose), columns, process.stdout)
  const receipts = reach && membersOfReach(reach)
  const members = { keys: keys.map(membersOf), revocation, receipts }
  process.stdout.write(`${JSON.stringify(members)}\n`)
}

/** Those that take each other's place stand together, in the order in which they came. */
function byPurpose(first: KeyInfo, second: KeyInfo): number {
  return (
    first.purpose.localeCompare(second.purpose) ||
    first.algorithm.localeCompare(second.algorithm) ||
    (first.createdAt?.getTime() ?? 0) - (second.createdAt?.getTime() ?? 0)
  )
}

const columns: readonly Column<KeyInfo>[] = [
  { title: 'PURPOSE', of: ({ purpose }) => purpose },
  { title: 'ALGORITHM', of: ({ algorithm }) => algorithm },
  { title: 'STATE', of: ({ state }) => state },
  { title: 'CREATED_AT', of: ({ createdAt }) => createdAt },
  { title: 'KID', of: ({ kid }) => kid },
]

function membersOf({ kid, purpose, algorithm, state, ...times }: KeyInfo): object {
  return {
    kid,
    purpose,
    algorithm,
    state,
    created_at: times.createdAt,
    activated_at: times.activatedAt,
    retired_at: times.retiredAt,
    destroyed_at: times.destroyedAt,
    withdrawn_at: times.withdrawnAt,
  }
}
