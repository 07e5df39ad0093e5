import { signal } from '@preact/signals'
import { administration } from '../session/session.ts'

/** Names of accounts that only ids are known of, each asked for once; of one that is gone there is none. */
const names = signal<ReadonlyMap<string, string | undefined>>(new Map())
const asked = new Set<string>()

export function nameOfAccount(id: string): string | undefined {
  if (!asked.has(id)) {
    asked.add(id)
    void ask(id)
  }
  return names.value.get(id)
}

async function ask(id: string): Promise<void> {
  try {
    const { identifier } = await administration.accounts.get(id)
    names.value = new Map(names.value).set(id, identifier)
  } catch {
    // The id is shown instead.
  }
}
