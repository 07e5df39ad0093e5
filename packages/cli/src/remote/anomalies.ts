import type { Anomaly, AnomalyFilter } from '@portcullis/client/admin'
import { printable } from '../printable.ts'
import { asAdministrator } from './administration.ts'
import type { RemoteOptions } from './credentials.ts'
import { readAdministrator } from './credentials.ts'
import { eventMembers } from './event-members.ts'
import type { NameOf } from './named.ts'
import { namesOf } from './named.ts'
import type { Column } from './table.ts'
import { printTable } from './table.ts'

export interface AnomaliesListOptions extends RemoteOptions {
  readonly rule?: string
  readonly severity?: string
  readonly since?: Date
  readonly limit?: number
  readonly after?: string
}

function columns(nameOf: NameOf): readonly Column<Anomaly>[] {
  return [
    { title: 'LAST SEEN', of: ({ lastSeen }) => lastSeen },
    { title: 'SEVERITY', of: ({ severity }) => severity },
    { title: 'RULE', of: ({ rule }) => rule },
    { title: 'SUBJECT', of: ({ about, subject }) => `${about} ${nameOf(subject)}` },
    { title: 'COUNT', of: ({ count }) => String(count) },
    { title: 'EVIDENCE', of: evidenceOf },
    { title: 'DONE SINCE', of: ({ decisions }) => decisions.map(({ kind }) => kind).join(', ') },
  ]
}

/** The counts, which name a reason too, and else how much there is; `--json` has all of it. */
function evidenceOf({ evidence: { counts, reason: _counted, ...lists } }: Anomaly): string {
  const counted = Object.entries(counts).map(([name, count]) => `${name} ${count}`)
  const listed = Object.entries(lists).flatMap(([name, items]) =>
    items.length === 0 || name in counts ? [] : [`${name} ${items.length}`],
  )
  return [...counted, ...listed].join(', ')
}

/** Prints what the rules have found, the newest first. */
export async function runAnomaliesList(options: AnomaliesListOptions): Promise<void> {
  const { limit, after, json } = options
  const { items, next, nameOf } = await asAdministrator(
    readAdministrator(options),
    async (administration) => {
      const page = await administration.anomalies.page(filterOf(options), {
        ...(limit === undefined ? {} : { limit }),
        ...(after === undefined ? {} : { after }),
      })
      const told = page.items.filter(isNamed).map(({ subject }) => subject)
      return { ...page, nameOf: await namesOf(administration, json === true ? [] : told) }
    },
  )
  if (json === true) {
    process.stdout.write(`${JSON.stringify({ anomalies: items.map(membersOf), next })}\n`)
    return
  }
  await printTable(items, columns(nameOf), process.stdout)
  for (const [rule, suggestion] of new Map(items.map((one) => [one.rule, one.suggestedAction])))
    if (suggestion !== undefined) process.stderr.write(`${printable(`${rule}: ${suggestion}`)}\n`)
  if (next !== undefined) process.stderr.write(`there is more: --after ${printable(next)}\n`)
}

function isNamed({ about }: Anomaly): boolean {
  return about === 'account' || about === 'client'
}

function filterOf({ rule, severity, since }: AnomaliesListOptions): AnomalyFilter {
  return {
    ...(rule === undefined ? {} : { rule }),
    ...(severity === undefined ? {} : { severity }),
    ...(since === undefined ? {} : { since }),
  }
}

/** As the issuer names them. */
function membersOf(anomaly: Anomaly): object {
  const { suggestedAction, firstSeen, lastSeen, decisions, ...members } = anomaly
  return {
    ...members,
    decisions: decisions.map(eventMembers),
    suggested_action: suggestedAction,
    first_seen: firstSeen,
    last_seen: lastSeen,
  }
}
