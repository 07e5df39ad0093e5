import { setTimeout as wait } from 'node:timers/promises'
import { createClient } from '@portcullis/client'
import type { Administration } from '@portcullis/client/admin'
import { createAdministration } from '@portcullis/client/admin'
import { password } from './identity-server.ts'
import { administrator } from './identity-store.ts'
import type { Reception, ReceptionAnswer } from './receiver-process.ts'
import { startWorker } from './worker.ts'

/** Receivers of security events, of which a tenth hang and a tenth fail. */
export interface Webhooks {
  /** So many, made by an administrator. */
  readonly make: (count: number) => Promise<void>
  /** When each kind of them has been pushed to since they were made; rejects when one is not. */
  readonly remove: () => Promise<void>
  /** When nothing hangs any more. */
  readonly untilQuiet: () => Promise<void>
  /** What has become of pushes so far. */
  readonly pushes: () => Promise<ReceptionAnswer['pushes']>
  readonly end: () => Promise<void>
}

/** Longer than identity waits for an answer. */
const patienceMs = 30_000

export async function startWebhooks(issuer: string): Promise<Webhooks> {
  const receivers = startWorker<object, ReceptionAnswer>({
    file: './receiver-process.ts',
    parameters: [],
  })
  const { origin } = await receivers.ask({})
  const client = createClient({ issuer, audience: issuer })
  await client.login({ identifier: administrator, password })
  const { streams }: Administration = createAdministration(client)
  const asked = (): Promise<ReceptionAnswer> => receivers.ask({})
  const made: string[] = []
  let before: ReceptionAnswer['pushes'] = { taken: 0, refused: 0, hung: 0 }
  return {
    pushes: async () => (await asked()).pushes,
    make: async (count) => {
      before = (await asked()).pushes
      for (let at = 0; at < count; at += 1) {
        const endpointUrl = `${origin}/${receptionOf(at)}/${at}`
        const { id } = await streams.create({ endpointUrl, events: ['session-revoked'] })
        made.push(id)
      }
    },
    remove: async () => {
      await until('every kind of receiver is pushed to', async () => {
        const { pushes } = await asked()
        return receptions.every((reception) => pushes[reception] > before[reception])
      })
      for (const id of made.splice(0)) await streams.delete(id, { reason: 'measured' })
    },
    untilQuiet: () => until('nothing hangs', async () => (await asked()).open === 0),
    end: receivers.end,
  }
}

const receptions: readonly Reception[] = ['taken', 'refused', 'hung']

function receptionOf(at: number): Reception {
  if (at % 10 === 3) return 'hung'
  return at % 10 === 7 ? 'refused' : 'taken'
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`it never comes to it: ${what}`)
    await wait(100)
  }
}
