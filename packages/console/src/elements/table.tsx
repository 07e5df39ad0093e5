import type { ComponentChildren, JSX, RefObject } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Pages } from '../data/pages.ts'
import { texts } from '../text/texts.ts'
import { Loaded } from './loaded.tsx'

export interface Column<Item> {
  readonly name: string
  readonly cell: (item: Item) => ComponentChildren
  /** Of columns that a phone can do without. */
  readonly isMinor?: boolean
  /** Of columns whose values are never long: they stay on one line. */
  readonly isShort?: boolean
  /** Of columns that need the whole width where values do not stand in a row. */
  readonly isWide?: boolean
}

interface TableProps<Item> {
  /** What is listed, for those who do not see it. */
  readonly caption: string
  readonly columns: readonly Column<Item>[]
  readonly keyOf: (item: Item) => string
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

function classOf<Item>({ isMinor, isShort, isWide }: Column<Item>): string {
  const names = { minor: isMinor, short: isShort, wide: isWide }
  return Object.entries(names)
    .flatMap(([name, holds]) => (holds === true ? name : []))
    .join(' ')
}

/** A list with its pages, and what is said while it loads, where it is empty and when it fails. */
export function PagedTable<Item>(
  props: TableProps<Item> & {
    readonly pages: Pages<Item>
    /** Said where the list is empty: what that means. */
    readonly empty: string
  },
): JSX.Element {
  const { pages, empty, ...table } = props
  const { items, isLoading, error } = pages
  const isTold = !isLoading && error === undefined
  const keepFocus = useKeptFocus()
  return (
    <section
      class="paged"
      aria-label={table.caption}
      aria-busy={isLoading}
      tabIndex={-1}
      {...keepFocus}
    >
      <Loaded loading={pages}>
        {items.length === 0 ? <p class="quiet">{empty}</p> : <Table {...table} items={items} />}
        <Turner pages={pages} />
      </Loaded>
      <p class="unseen" role="status">
        {isTold && texts.lists.shown(items.length)}
      </p>
    </section>
  )
}

/** Where the row is gone that had the focus, it is at the list and not at the top of the page. */
function useKeptFocus(): {
  readonly ref: RefObject<HTMLElement | null>
  readonly onFocusIn: (event: FocusEvent) => void
} {
  const ref = useRef<HTMLElement>(null)
  const held = useRef<Element>(null)
  useLayoutEffect(() => {
    if (held.current?.isConnected !== false) return
    held.current = null
    if (document.activeElement === document.body) ref.current?.focus({ preventScroll: true })
  })
  return {
    ref,
    onFocusIn: ({ target }) => {
      held.current = target instanceof Element ? target : null
    },
  }
}

function Turner<Item>({ pages }: { readonly pages: Pages<Item> }): JSX.Element | null {
  const { number, turnBack, turnOn, isLoading } = pages
  if (turnBack === undefined && turnOn === undefined) return null
  return (
    <nav class="turner" aria-label={texts.lists.page(number)}>
      <TurnButton text={texts.lists.previous} onTurn={isLoading ? undefined : turnBack} />
      <span aria-live="polite">{texts.lists.page(number)}</span>
      <TurnButton text={texts.lists.next} onTurn={isLoading ? undefined : turnOn} />
    </nav>
  )
}

/** It keeps the focus where there is nothing to turn to, or not yet. */
function TurnButton(props: {
  readonly text: string
  readonly onTurn: (() => void) | undefined
}): JSX.Element {
  const { text, onTurn } = props
  return (
    <button type="button" aria-disabled={onTurn === undefined} onClick={onTurn}>
      {text}
    </button>
  )
}
