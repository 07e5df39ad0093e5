import type { AccountAdministration, Administration, BulkResult } from '@portcullis/client/admin'
import { CommandError } from '../command-error.ts'
import { asAdministrator } from './administration.ts'
import { findAccount } from './named.ts'
import type { DecisionOptions } from './credentials.ts'
import { readAdministrator } from './credentials.ts'
import { readLines } from './import-lines.ts'
import { printable } from '../printable.ts'
import type { Revoked, WaitOptions } from './receipts.ts'
import { sayRevoked, withReceipts } from './receipts.ts'
import { openSource } from './source-file.ts'

export interface ManyOptions extends DecisionOptions, WaitOptions {
  readonly idsFrom?: string
}

/** One decision, for one account and for many. */
interface Many {
  readonly one: 'block' | 'logOut'
  readonly many: 'blockMany' | 'logOutMany'
  /** The member that says it of one account, and the outcome of those to whom it was done. */
  readonly done: 'blocked' | 'ended'
  readonly member: 'blocked' | 'signed_out'
  readonly sentence: string
}

/** Blocks accounts: every session and token of them ends at once. */
export function runBlock(identifiers: readonly string[], options: ManyOptions): Promise<void> {
  return decide(identifiers, options, {
    one: 'block',
    many: 'blockMany',
    done: 'blocked',
    member: 'blocked',
    sentence: 'is blocked',
  })
}

/** Ends every session and token of accounts, who may sign in again. */
export function runLogOut(identifiers: readonly string[], options: ManyOptions): Promise<void> {
  return decide(identifiers, options, {
    one: 'logOut',
    many: 'logOutMany',
    done: 'ended',
    member: 'signed_out',
    sentence: 'is signed out',
  })
}

async function decide(
  identifiers: readonly string[],
  options: ManyOptions,
  many: Many,
): Promise<void> {
  const { idsFrom, reason } = options
  if ((identifiers.length === 0) === (idsFrom === undefined)) {
    const remedy = 'Name accounts by their identifiers or ids, or a file of ids with --ids-from.'
    throw new CommandError(2, 'the accounts must be named, in one way', remedy)
  }
  const administrator = readAdministrator(options)
  const [name] = identifiers
  if (name !== undefined && identifiers.length === 1) {
    const { identifier, revoked } = await asAdministrator(administrator, async (administration) => {
      const account = await findAccount(administration, name)
      const revocation = await administration.accounts[many.one](account.id, { reason })
      return {
        identifier: account.identifier,
        revoked: await withReceipts(administration, revocation, options),
      }
    })
    const members = { identifier, [many.member]: true }
    await sayRevoked(options, members, `${printable(identifier)} ${many.sentence}`, revoked)
    return
  }
  const source = idsFrom === undefined ? undefined : await openSource(idsFrom)
  const decided = await asAdministrator(administrator, async (administration) => {
    const results =
      source === undefined
        ? await decideNamed(administration, identifiers, { reason, ...many })
        : await decideListed(administration.accounts, source, { reason, ...many })
    const last = results.at(-1)
    if (last === undefined) throw new TypeError('nothing was decided')
    return { results, revoked: await withReceipts(administration, last.revocation, options) }
  })
  await tell(decided, options, many)
}

/** As many as the issuer takes in one request: one decision, in which others wait for a second or two. */
const groupMax = 10_000
/** Its request has room for 512 KiB, which ids of another length than its own would fill before. */
const groupCharactersMax = 400_000
/** Each is looked up by itself. */
const namedMax = 1000

type Decided = Many & { readonly reason: string }

async function decideNamed(
  administration: Administration,
  identifiers: readonly string[],
  { many, reason }: Decided,
): Promise<readonly BulkResult[]> {
  if (identifiers.length > namedMax) {
    throw new CommandError(2, 'these are too many', 'Write their ids to a file: --ids-from FILE.')
  }
  const ids: string[] = []
  // Before anything is done, so that a mistyped one stops it.
  for (const identifier of identifiers) ids.push((await findAccount(administration, identifier)).id)
  return [await administration.accounts[many]({ ids, reason })]
}

async function decideListed(
  accounts: AccountAdministration,
  source: AsyncIterable<Uint8Array>,
  { many, reason }: Decided,
): Promise<readonly BulkResult[]> {
  const results: BulkResult[] = []
  let count = 0
  for await (const ids of groupsIn(source)) {
    if (count > 0) process.stderr.write(`${count} accounts so far\n`)
    results.push(await accounts[many]({ ids, reason }))
    count += ids.length
  }
  if (count > 0) return results
  throw new CommandError(1, 'there is no id in the file', 'Write one id on each line.')
}

const idBytesMax = 64

/** The ids of a file, one on each line, as many together as one request takes. */
async function* groupsIn(source: AsyncIterable<Uint8Array>): AsyncGenerator<readonly string[]> {
  let ids: string[] = []
  let characters = 0
  for await (const { number, bytes } of readLines(source, idBytesMax + 2)) {
    const id = Buffer.from(bytes ?? '?')
      .toString()
      .trim()
    if (id === '') continue
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) {
      const remedy =
        'Write one id on each line. Those before it may be done; it does no harm to do them again.'
      throw new CommandError(2, `line ${number} is no id of an account`, remedy)
    }
    ids.push(id)
    characters += id.length + '"",'.length
    if (ids.length < groupMax && characters < groupCharactersMax) continue
    yield ids
    ids = []
    characters = 0
  }
  if (ids.length > 0) yield ids
}

interface Decisions {
  readonly results: readonly BulkResult[]
  /** By the last of them, and everybody before along with it. */
  readonly revoked: Revoked
}

/** Who was not affected, and why, and how many were. */
async function tell(
  { results: groups, revoked }: Decisions,
  options: ManyOptions,
  { done }: Many,
): Promise<void> {
  const results = groups.flatMap((group) => group.results)
  const left = results.filter(({ outcome }) => outcome !== done)
  if (options.json !== true) {
    for (const { id, outcome } of left) {
      process.stderr.write(`${printable(id)}: ${outcome.replace('-', ' ')}\n`)
    }
  }
  const count = results.length - left.length
  const sentence = `accounts ${done === 'ended' ? 'signed out' : done}: ${count}`
  await sayRevoked(options, { results }, sentence, revoked)
  if (left.length === 0) return
  const remedy = 'The others were. An unknown one may have been deleted.'
  throw new CommandError(1, `accounts that were left as they are: ${left.length}`, remedy)
}
