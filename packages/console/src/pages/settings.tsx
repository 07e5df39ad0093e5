import type { DeclaredAudience, DeclaredRole } from '@portcullis/client/admin'
import type { ComponentChildren, JSX } from 'preact'
import { useDeclared } from '../data/declared.ts'
import { Badge, Badges } from '../elements/badge.tsx'
import { Loaded } from '../elements/loaded.tsx'
import type { Column } from '../elements/table.tsx'
import { Table } from '../elements/table.tsx'
import { texts } from '../text/texts.ts'
import { amountOf } from './setting-amounts.ts'
import { SettingFilters, SettingList, isNarrowed } from './setting-list.tsx'

const { audienceColumns, roleColumns, builtIn } = texts.settings

const columnsOfAudiences: readonly Column<DeclaredAudience>[] = [
  { name: audienceColumns.name, cell: (one) => <Declared name={one.name} is={one.isBuiltIn} /> },
  { name: audienceColumns.scopes, cell: ({ scopes }) => <Badges values={scopes} /> },
  { name: audienceColumns.roles, cell: ({ roles }) => <Badges values={roles} /> },
  {
    name: audienceColumns.lifetime,
    cell: ({ accessTokenSeconds }) => amountOf(accessTokenSeconds, 'seconds'),
    isShort: true,
  },
  {
    name: audienceColumns.algorithms,
    cell: ({ algorithms }) => algorithms.join(', '),
    isMinor: true,
  },
]

const columnsOfRoles: readonly Column<DeclaredRole>[] = [
  { name: roleColumns.name, cell: (one) => <Declared name={one.name} is={one.isBuiltIn} /> },
  {
    name: roleColumns.grants,
    cell: ({ scopes }) => (
      <Badges
        values={Object.entries(scopes).map(([audience, granted]) =>
          `${audience}: ${granted.join(' ')}`.trim(),
        )}
      />
    ),
  },
]

/** What identity was told to do, by its file and its environment. */
export function SettingsPage(): JSX.Element {
  const loading = useDeclared()
  const settings = loading.value?.settings ?? []
  const { title, text, inForce, audiences, roles } = texts.settings
  return (
    <>
      <h1>{title}</h1>
      <p class="quiet">{text}</p>
      <Loaded loading={loading}>
        <SettingFilters settings={settings} />
        {!isNarrowed() && (
          <>
            <Declarations title={audiences}>
              <Table
                caption={audiences}
                columns={columnsOfAudiences}
                keyOf={({ name }) => name}
                items={loading.value?.audiences ?? []}
              />
            </Declarations>
            <Declarations title={roles}>
              <Table
                caption={roles}
                columns={columnsOfRoles}
                keyOf={({ name }) => name}
                items={loading.value?.roles ?? []}
              />
            </Declarations>
          </>
        )}
        <Declarations title={inForce}>
          <SettingList settings={settings} />
        </Declarations>
      </Loaded>
    </>
  )
}

function Declarations(props: {
  readonly title: string
  readonly children: ComponentChildren
}): JSX.Element {
  return (
    <section>
      <h2>{props.title}</h2>
      {props.children}
    </section>
  )
}

function Declared(props: { readonly name: string; readonly is: boolean }): JSX.Element {
  return (
    <span class="badges">
      {props.name} {props.is && <Badge>{builtIn}</Badge>}
    </span>
  )
}
