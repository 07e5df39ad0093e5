import type { AnomalyFilter } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { usePages } from '../data/pages.ts'
import type { Choice } from '../elements/field.tsx'
import { ChoiceField } from '../elements/field.tsx'
import { PagedTable } from '../elements/table.tsx'
import { narrowTo, route } from '../navigation/route.ts'
import { useClientNames } from '../revocation/client-names.ts'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'
import { anomalyColumns } from './anomaly-list.tsx'

const { rule: byRule, severity: bySeverity, since: bySince, severities, rules } = texts.anomalies
const fields = {
  rule: {
    label: byRule.label,
    choices: choicesOf(byRule.any, Object.entries(rules), ({ name }) => name),
  },
  severity: {
    label: bySeverity.label,
    choices: choicesOf(bySeverity.any, Object.entries(severities), (name) => name),
  },
  hours: {
    label: bySince.label,
    choices: choicesOf(bySince.any, Object.entries(bySince.hours), (name) => name),
  },
} as const
type FieldName = keyof typeof fields

/** What rules have found, the newest first. */
export function AnomaliesPage(): JSX.Element {
  useClientNames()
  const { query } = route.value
  const given = {
    rule: query.get('rule') ?? '',
    severity: query.get('severity') ?? '',
    hours: query.get('hours') ?? '',
  }
  const pages = usePages(`anomalies ${JSON.stringify(given)}`, (page) =>
    administration.anomalies.page(filterOf(given), page),
  )
  return (
    <>
      <h1>{texts.anomalies.title}</h1>
      <div class="filters" role="search">
        {(['rule', 'severity', 'hours'] as const).map((name) => (
          <ChoiceField
            key={name}
            label={fields[name].label}
            value={given[name]}
            choices={fields[name].choices}
            onChoose={(value) => narrowTo({ ...given, [name]: value })}
          />
        ))}
      </div>
      <PagedTable
        caption={texts.anomalies.title}
        columns={anomalyColumns(pages.reload)}
        keyOf={({ id }) => id}
        pages={pages}
        empty={texts.anomalies.none}
      />
    </>
  )
}

function choicesOf<Words>(
  any: string,
  entries: readonly (readonly [string, Words])[],
  text: (words: Words) => string,
): readonly Choice[] {
  return [
    { value: '', text: any },
    ...entries.map(([value, words]) => ({ value, text: text(words) })),
  ]
}

const hourMs = 3_600_000

function filterOf({ rule, severity, hours }: Readonly<Record<FieldName, string>>): AnomalyFilter {
  return {
    ...(rule === '' ? {} : { rule }),
    ...(severity === '' ? {} : { severity }),
    ...(Number(hours) > 0 ? { since: new Date(Date.now() - Number(hours) * hourMs) } : {}),
  }
}
