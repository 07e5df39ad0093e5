import type { SettingInForce } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { Badges } from '../elements/badge.tsx'
import { ChoiceField } from '../elements/field.tsx'
import { SearchField } from '../elements/search-field.tsx'
import type { Column } from '../elements/table.tsx'
import { Table } from '../elements/table.tsx'
import { narrowTo, route } from '../navigation/route.ts'
import { texts } from '../text/texts.ts'
import { amountOf } from './setting-amounts.ts'

const { columns: names, groups, sources } = texts.settings

const columns: readonly Column<SettingInForce>[] = [
  { name: names.name, cell: (setting) => <Explained setting={setting} />, isWide: true },
  { name: names.value, cell: (setting) => <Value setting={setting} /> },
  { name: names.source, cell: (setting) => <Source setting={setting} /> },
]

interface Shown {
  readonly settings: readonly SettingInForce[]
}

/** Whether only some of what identity was told is wanted. */
export function isNarrowed(): boolean {
  const { wanted, chosen } = narrowing()
  return wanted !== '' || chosen !== ''
}

function narrowing(): { readonly wanted: string; readonly chosen: string } {
  const { query } = route.value
  return { wanted: query.get('name') ?? '', chosen: query.get('group') ?? '' }
}

export function SettingFilters({ settings }: Shown): JSX.Element {
  const { wanted, chosen } = narrowing()
  const { search, searchHint, group: label, everyGroup } = texts.settings
  const all = Object.keys(Object.groupBy(settings, groupOf))
  return (
    <div class="filters" role="search">
      <SearchField
        label={search}
        hint={searchHint}
        value={wanted}
        onSearch={(name) => narrowTo({ name, group: chosen })}
      />
      <ChoiceField
        label={label}
        value={chosen}
        choices={[
          { value: '', text: everyGroup },
          ...all.map((group) => ({ value: group, text: nameOfGroup(group) })),
        ]}
        onChoose={(group) => narrowTo({ name: wanted, group })}
      />
    </div>
  )
}

/** The settings in force, by what they belong to, with what each is. */
export function SettingList({ settings }: Shown): JSX.Element {
  const { wanted, chosen } = narrowing()
  const found = settings.filter(
    (setting) => (chosen === '' || groupOf(setting) === chosen) && holds(setting, wanted),
  )
  if (found.length === 0) return <p class="quiet">{texts.lists.nothingFits}</p>
  return (
    <>
      {Object.entries(Object.groupBy(found, groupOf)).map(([group, ofGroup = []]) => (
        <section key={group} class="settings">
          <h3>{nameOfGroup(group)}</h3>
          <Table
            caption={nameOfGroup(group)}
            columns={columns}
            keyOf={({ name }) => name}
            items={ofGroup}
          />
        </section>
      ))}
    </>
  )
}

function groupOf({ group }: SettingInForce): string {
  return group ?? 'others'
}

function nameOfGroup(group: string): string {
  return group in groups ? groups[group as keyof typeof groups] : group
}

function holds({ name, about = '' }: SettingInForce, wanted: string): boolean {
  return `${name} ${about}`.toLowerCase().includes(wanted.trim().toLowerCase())
}

function Explained({ setting }: { readonly setting: SettingInForce }): JSX.Element {
  const { name, about } = setting
  return (
    <>
      <code>{name}</code>
      {about !== undefined && (
        // Identity says it in English only.
        <p class="hint" lang="en">
          {sentence(about)
            .split('`')
            .map((part, at) => (at % 2 === 1 ? <code key={part}>{part}</code> : part))}
        </p>
      )}
    </>
  )
}

function sentence(about: string): string {
  return `${about.charAt(0).toUpperCase()}${about.slice(1)}.`
}

function Value({ setting }: { readonly setting: SettingInForce }): JSX.Element {
  const { value, unit } = setting
  if (value === null) return <span class="quiet">{texts.settings.notChosen}</span>
  if (setting.isSecret && typeof value === 'string') {
    const { isSet, isNotSet } = texts.settings
    return value === 'set' ? <strong>{isSet}</strong> : <span class="quiet">{isNotSet}</span>
  }
  if (Array.isArray(value)) return <Badges values={value.map(String)} />
  const given = typeof value === 'string' ? value : JSON.stringify(value)
  const amount = typeof value === 'number' ? amountOf(value, unit) : undefined
  if (amount === undefined) return <code>{given}</code>
  return (
    <span>
      {amount}
      {!amount.startsWith(`${given} `) && <span class="hint"> ({given})</span>}
    </span>
  )
}

function Source({ setting }: { readonly setting: SettingInForce }): JSX.Element {
  const { source, by, isSecret, value } = setting
  if (isSecret) return <>{value === 'set' ? sources.secret : ''}</>
  const named = source !== undefined && source in sources ? source : undefined
  return (
    <div>
      {named === undefined ? source : sources[named as keyof typeof sources]}
      {by !== undefined && (
        <p class="hint">
          <code>{by}</code>
        </p>
      )}
    </div>
  )
}
