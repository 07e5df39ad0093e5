import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'

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

/** Enough of the id of a process to tell it from the others of its client. */
export function shortFollower(follower: string): string {
  return follower.slice(0, 6)
}

/** A follower in a sentence. */
export function followerText(one: { readonly client?: string; readonly follower: string }): string {
  const { noClient } = texts.revocations.followers
  const name = one.client === undefined ? noClient : (clientName(one.client) ?? one.client)
  return `${name} ${shortFollower(one.follower)}`
}
