import { signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'

/* Milliseconds since 1970, by the clock of the browser. */

const ticks = signal(0)
const tickMs = 5000

/** Whatever was drawn with it is drawn anew every few seconds while somebody looks. */
export function tickingNow(): number {
  void ticks.value
  return Date.now()
}

export function keepTicking(): void {
  setInterval(tick, tickMs)
  document.addEventListener('visibilitychange', tick)
}

function tick(): void {
  if (document.visibilityState === 'visible') ticks.value += 1
}

/** Anew each second as long as it is wanted. */
export function useNow(isWanted = true): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!isWanted) return
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [isWanted])
  return now
}
