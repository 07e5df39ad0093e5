import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { administration } from '../session/session.ts'

/** Followers say the id of their client, and people know it by its name. */
const names = signal<ReadonlyMap<string, string>>(new Map())

const clientsMax = 1_000

/** Undefined where it is not known (yet). */
export function clientName(id: string): string | undefined {
  return names.value.get(id)
}

export function useClientNames(): void {
  useEffect(() => {
    // Without them ids are shown.
    loadNames().then(
      (found) => (names.value = found),
      () => undefined,
    )
  }, [])
}

async function loadNames(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for await (const { id, name } of administration.clients.list()) {
    found.set(id, name)
    if (found.size >= clientsMax) break
  }
  return found
}
