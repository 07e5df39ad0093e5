import { once } from 'node:events'
import type { Writable } from 'node:stream'

/** Waits for a slow reader. */
export async function write(stream: Writable, text: string): Promise<void> {
  if (text !== '' && !stream.write(text)) await once(stream, 'drain')
}
