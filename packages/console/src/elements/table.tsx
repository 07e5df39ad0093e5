import type { ComponentChildren, JSX } from 'preact'
import type { Loading } from '../data/load.ts'
import type { Pages } from '../data/pages.ts'
import { texts } from '../text/texts.ts'
import { Failure } from './failure.tsx'

export interface Column<Item> {
  readonly name: string
  readonly cell: (item: Item) => ComponentChildren
  /** Of columns that a phone can do without. */
  readonly isMinor?: boolean
  /** Of columns whose values are never long: they stay on one line. */
  readonly isShort?: boolean
}

interface TableProps<Item> {
  /** What is listed, for those who do not see it. */
  readonly caption: string
  readonly columns: readonly Column<Item>[]
  readonly keyOf: (item: Item) => string
  /** Said where the list is empty. */
  readonly empty?: string
}

/** On narrow screens each row becomes a block of named values. */
export function Table<Item>(
  props: TableProps<Item> & { readonly items: readonly Item[] },
): JSX.Element {
  const { caption, columns, items, keyOf } = props
  return (
    <table class="list">
      <caption class="unseen">{caption}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column.name} scope="col" class={classOf(column)}>
              {column.name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {items.map((item) => (
          <tr key={keyOf(item)}>
            {columns.map((column) => (
              <td key={column.name} data-name={column.name} class={classOf(column)}>
                {column.cell(item)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function classOf<Item>({ isMinor, isShort }: Column<Item>): string {
  return `${isMinor === true ? 'minor ' : ''}${isShort === true ? 'short' : ''}`
}

/** A list with its pages, and what is said while it loads, where it is empty and when it fails. */
export function PagedTable<Item>(
  props: TableProps<Item> & { readonly pages: Pages<Item> },
): JSX.Element {
  const { pages, ...table } = props
  return (
    <section class="paged" aria-label={table.caption}>
      <Loaded loading={pages}>
        {pages.items.length === 0 ? (
          <p class="quiet">{table.empty ?? texts.lists.empty}</p>
        ) : (
          <Table {...table} items={pages.items} />
        )}
        <Turner pages={pages} />
      </Loaded>
    </section>
  )
}

/** What was loaded, or that it is still loading; and why the last time failed. */
export function Loaded(props: {
  readonly loading: Loading<unknown>
  readonly children: ComponentChildren
}): JSX.Element {
  const { loading, children } = props
  const isFirst = loading.value === undefined
  return (
    <>
      <Failure error={loading.error} onRetry={loading.reload} />
      {isFirst && loading.error === undefined && (
        <p class="loading" role="status">
          {texts.lists.loading}
        </p>
      )}
      {isFirst ? undefined : children}
    </>
  )
}

function Turner<Item>({ pages }: { readonly pages: Pages<Item> }): JSX.Element | null {
  const { number, turnBack, turnOn } = pages
  if (turnBack === undefined && turnOn === undefined) return null
  return (
    <nav class="turner" aria-label={texts.lists.page(number)}>
      <button type="button" disabled={turnBack === undefined} onClick={turnBack}>
        {texts.lists.previous}
      </button>
      <span aria-live="polite">{texts.lists.page(number)}</span>
      <button type="button" disabled={turnOn === undefined} onClick={turnOn}>
        {texts.lists.next}
      </button>
    </nav>
  )
}
