import type { DeclaredAudience, DeclaredRole, SettingInForce } from '@portcullis/client/admin'
import type { ComponentChildren, JSX } from 'preact'
import { useDeclared } from '../data/declared.ts'
import { Badge, Badges } from '../elements/badge.tsx'
import { Field } from '../elements/field.tsx'
import type { Column } from '../elements/table.tsx'
import { Loaded, Table } from '../elements/table.tsx'
import { narrowTo, route } from '../navigation/route.ts'
import { texts } from '../text/texts.ts'

const { columns: names, audienceColumns, roleColumns, builtIn, seconds } = texts.settings

const settingColumns: readonly Column<SettingInForce>[] = [
  { name: names.name, cell: ({ name }) => <code>{name}</code> },
  { name: names.value, cell: ({ value }) => <code>{textOf(value)}</code> },
  { name: names.source, cell: ({ source, by }) => by ?? source ?? texts.frame.none, isMinor: true },
]

const columnsOfAudiences: readonly Column<DeclaredAudience>[] = [
  { name: audienceColumns.name, cell: (one) => <Declared name={one.name} is={one.isBuiltIn} /> },
  { name: audienceColumns.scopes, cell: ({ scopes }) => <Badges values={scopes} /> },
  { name: audienceColumns.roles, cell: ({ roles }) => <Badges values={roles} /> },
  {
    name: audienceColumns.lifetime,
    cell: ({ accessTokenSeconds }) => seconds(accessTokenSeconds),
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
  const wanted = route.value.query.get('name') ?? ''
  const { title, text, search, inForce, audiences, roles } = texts.settings
  const found = (loading.value?.settings ?? []).filter(({ name }) =>
    name.toLowerCase().includes(wanted.trim().toLowerCase()),
  )
  return (
    <>
      <h1>{title}</h1>
      <p class="quiet">{text}</p>
      <Loaded loading={loading}>
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
        <Declarations title={inForce}>
          <div class="filters" role="search">
            <Field label={search} value={wanted} onInput={(name) => narrowTo({ name })} />
          </div>
          {found.length === 0 ? (
            <p class="quiet">{texts.lists.nothingFits}</p>
          ) : (
            <Table
              caption={inForce}
              columns={settingColumns}
              keyOf={({ name }) => name}
              items={found}
            />
          )}
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
    <>
      {props.name} {props.is && <Badge>{builtIn}</Badge>}
    </>
  )
}

function textOf(value: SettingInForce['value']): string {
  if (value === null) return texts.frame.none
  return typeof value === 'string' ? value : JSON.stringify(value)
}
