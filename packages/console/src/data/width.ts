import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

/** How wide an element is, in pixels; undefined before it is there. */
export function useWidth<Measured extends HTMLElement>(): {
  readonly element: RefObject<Measured | null>
  readonly width: number | undefined
} {
  const element = useRef<Measured>(null)
  const [width, setWidth] = useState<number>()
  useEffect(() => {
    const measured = element.current
    if (measured === null) return
    const observer = new ResizeObserver(() => setWidth(measured.clientWidth))
    observer.observe(measured)
    return () => observer.disconnect()
  }, [])
  return { element, width }
}
