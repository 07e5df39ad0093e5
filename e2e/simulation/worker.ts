import process from 'node:process'
import type { Share } from './lived.ts'
import { liveShare } from './lived.ts'

/** What a process of the simulation is told. */
export interface Order {
  readonly share: Share
  readonly shrinks: boolean
}

process.once('message', (order: Order) => void obey(order))

async function obey({ share, shrinks }: Order): Promise<void> {
  const lived = await liveShare(share, { shrinks, goesOn: () => process.connected })
  // Another has found something, and nobody listens any more.
  if (!process.connected) return
  process.send?.(lived, () => {
    if (process.connected) process.disconnect?.()
  })
}
