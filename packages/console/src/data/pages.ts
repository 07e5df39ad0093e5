import type { Page, PageOptions } from '@portcullis/client/admin'
import { useState } from 'preact/hooks'
import type { Loading, LoadOptions } from './load.ts'
import { useLoaded } from './load.ts'

/** One page of a list that may have no end: it is turned by cursors, however long it is. */
export interface Pages<Item, Told = Page<Item>> extends Loading<Told> {
  readonly items: readonly Item[]
  readonly number: number
  readonly turnBack: (() => void) | undefined
  readonly turnOn: (() => void) | undefined
}

interface Turned {
  readonly question: string
  readonly starts: readonly string[]
}

const itemsOfPage = 50

/** What is asked may change, by filters: the items from before are there until those that fit have come. */
export function usePages<Told extends Page<unknown>>(
  question: string,
  turn: (page: PageOptions) => Promise<Told>,
  options: LoadOptions = {},
): Pages<Told['items'][number], Told> {
  // Where each page began that was turned so far; the first has no place.
  const [turned, setTurned] = useState<Turned>({ question, starts: [] })
  // Of another question they say nothing.
  const starts = turned.question === question ? turned.starts : []
  const setStarts = (changed: readonly string[]): void => setTurned({ question, starts: changed })
  const after = starts.at(-1)
  const loading = useLoaded(
    `${question} ${after ?? ''}`,
    () => turn({ limit: itemsOfPage, ...(after === undefined ? {} : { after }) }),
    { ...options, keepsFormer: true },
  )
  const next = loading.value?.next
  return {
    ...loading,
    items: loading.value?.items ?? [],
    number: starts.length + 1,
    turnBack: starts.length === 0 ? undefined : () => setStarts(starts.slice(0, -1)),
    turnOn: next === undefined ? undefined : () => setStarts([...starts, next]),
  }
}
