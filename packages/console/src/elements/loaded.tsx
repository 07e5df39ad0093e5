import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Loading } from '../data/load.ts'
import { texts } from '../text/texts.ts'
import { Failure } from './failure.tsx'

/** What was loaded, or that it is still loading; and why the last time failed. */
export function Loaded(props: {
  readonly loading: Loading<unknown>
  readonly children: ComponentChildren
}): JSX.Element {
  const { loading, children } = props
  const { value, error, isLoading, reload } = loading
  const hasFailed = error !== undefined
  const isThere = value !== undefined
  return (
    <>
      <Failure error={error} onRetry={reload} isFormerShown={isThere} />
      {(isLoading || (!isThere && !hasFailed)) && <Waiting isSaidAtOnce={!isThere || hasFailed} />}
      {isThere ? children : undefined}
    </>
  )
}

const lateMs = 4_000

/** Where something is shown already it says nothing before it takes long. */
function Waiting({ isSaidAtOnce }: { readonly isSaidAtOnce: boolean }): JSX.Element | null {
  const [isLate, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), lateMs)
    return () => clearTimeout(timer)
  }, [])
  if (!isSaidAtOnce && !isLate) return null
  return (
    <p class="loading" role="status">
      {isLate ? texts.lists.late : texts.lists.loading}
    </p>
  )
}
