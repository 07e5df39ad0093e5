import { setImmediate } from 'node:timers/promises'
import type { Client, ClientOptions, SessionStore, StoredSession } from '@portcullis/client'
import { assembleClient } from '../src/client.ts'
import { parseOptions } from '../src/options.ts'
import type { Pace } from '../src/retries.ts'
import { defaultPace } from '../src/retries.ts'
import type { RunningIssuer } from './running-issuer.ts'
import { alice } from './running-issuer.ts'

/** The tries of the real pace without its pauses, and with the middle of every spread. */
export const hastyPace: Pace = { ...defaultPace, sleep: async () => {}, random: () => 0.5 }

/** A store in which every step takes its time, and that tells what is in it. */
export interface SlowStore extends SessionStore {
  readonly kept: () => StoredSession | undefined
}

export function createSlowStore(): SlowStore {
  let text: string | undefined
  const kept = (): StoredSession | undefined =>
    text === undefined ? undefined : (JSON.parse(text) as StoredSession)
  return {
    kept,
    read: async () => {
      await setImmediate()
      return kept()
    },
    write: async (session) => {
      await setImmediate()
      text = session === undefined ? undefined : JSON.stringify(session)
    },
  }
}

export interface SignedInClient {
  readonly client: Client
  readonly store: SlowStore
}

/** A client of the issuer, on the issuer's clock. */
export function clientOf(
  { issuer, clock }: Pick<RunningIssuer, 'issuer' | 'clock'>,
  options: Partial<ClientOptions> = {},
  pace: Pace = hastyPace,
): Client {
  return assembleClient(parseOptions({ issuer, now: clock.now, ...options }), pace)
}

export async function signIn(
  running: RunningIssuer,
  options: Partial<ClientOptions> = {},
): Promise<SignedInClient> {
  const store = createSlowStore()
  const client = clientOf(running, { store, ...options })
  await client.login(alice)
  return { client, store }
}
