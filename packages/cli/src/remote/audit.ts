import type {
  Administration,
  AuditEvent,
  AuditFilter,
  AuditVerdict,
} from '@portcullis/client/admin'
import { parseAnchor, readSealingKeys, verifyStoredAudit } from '@portcullis/identity'
import { CommandError } from '../command-error.ts'
import { refusePassword } from '../database-address.ts'
import { printable } from '../printable.ts'
import { environment } from '../settings.ts'
import { asAdministrator } from './administration.ts'
import type { RemoteOptions } from './credentials.ts'
import { readAdministrator } from './credentials.ts'
import { eventMembers } from './event-members.ts'
import type { NameOf } from './named.ts'
import { accountIdOf, clientIdOf, namesOf } from './named.ts'
import type { Column } from './table.ts'
import { printTable } from './table.ts'

export interface AuditListOptions extends RemoteOptions {
  readonly kind?: string
  readonly account?: string
  readonly actor?: string
  readonly client?: string
  readonly session?: string
  readonly from?: Date
  readonly to?: Date
  readonly limit?: number
  readonly after?: string
}

function columns(nameOf: NameOf): readonly Column<AuditEvent>[] {
  return [
    { title: 'AT', of: ({ at }) => at },
    { title: 'KIND', of: ({ kind }) => kind },
    { title: 'SUBJECT', of: (event) => subjectOf(event, nameOf) },
    { title: 'ACTOR', of: ({ actor }) => actor && nameOf(actor) },
    { title: 'NETWORK', of: ({ network }) => network },
    { title: 'REASON', of: ({ reason }) => reason },
  ]
}

/** What it is about, the longest-lived first: a line of a terminal has room for one. `--json` has all of them. */
function subjectOf({ account, client, kid, session }: AuditEvent, nameOf: NameOf): string {
  const [subject = ''] = Object.entries({ account, client, key: kid, session }).flatMap(
    ([what, id]) => (id === undefined ? [] : [`${what} ${nameOf(id)}`]),
  )
  return subject
}

/** Prints what happened, the newest first. */
export async function runAuditList(options: AuditListOptions): Promise<void> {
  const { limit, after, json } = options
  const { items, next, nameOf } = await asAdministrator(
    readAdministrator(options),
    async (administration) => {
      const page = await administration.audit.page(await filterOf(administration, options), {
        ...(limit === undefined ? {} : { limit }),
        ...(after === undefined ? {} : { after }),
      })
      const told = page.items.flatMap(({ account, client, actor }) => [account ?? client, actor])
      return { ...page, nameOf: await namesOf(administration, json === true ? [] : told) }
    },
  )
  if (json === true) {
    process.stdout.write(`${JSON.stringify({ events: items.map(eventMembers), next })}\n`)
    return
  }
  await printTable(items, columns(nameOf), process.stdout)
  if (next !== undefined) process.stderr.write(`there is more: --after ${printable(next)}\n`)
}

async function filterOf(
  administration: Administration,
  { from, to, ...options }: AuditListOptions,
): Promise<AuditFilter> {
  const { kind, account, actor, client, session } = options
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(account === undefined ? {} : { account: await accountIdOf(administration, account) }),
    ...(actor === undefined ? {} : { actor: await actorOf(administration, actor) }),
    ...(client === undefined ? {} : { client: await clientIdOf(administration, client) }),
    ...(session === undefined ? {} : { session }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  }
}

/** Commands beside a store are no account, nor are rules. A client may be one too; it is named by its id. */
async function actorOf(administration: Administration, name: string): Promise<string> {
  return name === 'command-line' || name === 'rule' ? name : accountIdOf(administration, name)
}

export interface AuditVerifyOptions extends RemoteOptions {
  readonly database?: string
  readonly anchor?: readonly string[]
}

/** Says whether the record holds, and which record is the first that does not; exit code 1 then. */
export async function runAuditVerify(options: AuditVerifyOptions): Promise<void> {
  const anchors = anchorsOf(options.anchor ?? [])
  const { firstBad, chains, records } =
    options.database === undefined
      ? await asAdministrator(readAdministrator(options), ({ audit }) => audit.verify(anchors))
      : await verifyHere(refusePassword(options.database), anchors)
  const ok = firstBad === undefined
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ ok, chains, records, first_bad: firstBad })}\n`)
  } else if (ok) process.stdout.write(`${records} records of ${chains} chains hold\n`)
  if (ok) return
  throw notHolding(firstBad)
}

function notHolding(fault: Fault): CommandError {
  if (fault.what === 'sealing-key') {
    const remedy =
      'Restart it with that key as PORTCULLIS_SEALING_KEY or PORTCULLIS_SEALING_KEY_PREVIOUS (docs/key-operations.md). ' +
      'If nobody has rolled it: docs/audit.md.'
    const message = 'the audit record is sealed with a sealing key that this node does not have'
    return new CommandError(1, message, remedy)
  }
  const remedy =
    'Keep the database as it is, and look into it: docs/audit.md says what each word means.'
  return new CommandError(1, `the audit record does not hold: ${placeOf(fault)}`, remedy)
}

type Verdict = Pick<AuditVerdict, 'chains' | 'records'> & { readonly firstBad?: Fault | undefined }

interface Fault {
  readonly what: string
  readonly chain?: string | undefined
  readonly seq?: number | undefined
  readonly id?: number | undefined
}

async function verifyHere(url: string, texts: readonly string[]): Promise<Verdict> {
  const sealingKeys = readSealingKeys(environment())
  if (sealingKeys === undefined) {
    const remedy = 'Set PORTCULLIS_SEALING_KEY, or PORTCULLIS_SEALING_KEY_FILE, as identity has it.'
    throw new CommandError(2, 'the audit record cannot be checked without the sealing key', remedy)
  }
  const anchors = texts.flatMap((text) => parseAnchor(text) ?? [])
  return verifyStoredAudit(url, { ...sealingKeys, anchors })
}

function anchorsOf(texts: readonly string[]): readonly string[] {
  const wrong = texts.find((text) => parseAnchor(text) === undefined)
  if (wrong === undefined) return texts
  const remedy = 'Write it as <chain>:<seq>:<mac>, as identity logs it (auditAnchor).'
  throw new CommandError(2, `${printable(wrong)} is no anchor`, remedy)
}

function placeOf({ what, chain, seq, id }: Fault): string {
  const places = Object.entries({ chain, seq, row: id }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${JSON.stringify(value)}`],
  )
  return printable([what, ...places].join(', '))
}
