import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from 'pg'
import type { Database, Query } from './database.ts'
import { createWokenListeners } from './woken-listeners.ts'

const channel = 'portcullis_revocations'
const connectMs = 5000
/** A connection that is lost in silence is noticed after so long; until then the beats of the feed bring the news. */
const lookEveryMs = 5000
const endMs = 500
const backOffMsMin = 100
const backOffMsMax = 5000

export interface ServerWake extends Pick<Database, 'wakeOthers' | 'onWoken'> {
  readonly close: () => Promise<void>
}

/**
 * LISTEN on a connection of its own, and NOTIFY. Nothing depends on it: a pooler that shares one connection among
 * transactions lets no LISTEN through, and then whoever waits for news finds them at the next beat.
 */
export function createServerWake(url: string, query: Query): ServerWake {
  const node = randomUUID()
  let underWay: Promise<void> | undefined
  const listeners = createWokenListeners(() => {
    const stopping = new AbortController()
    underWay = Promise.all([underWay, listen(url, node, listeners.call, stopping.signal)]).then(
      () => undefined,
    )
    return () => stopping.abort()
  })
  return {
    wakeOthers: createTelling(async () => {
      // Behind the commit of what is new, and not within it: whoever tells holds a lock of the whole server.
      await query('SELECT pg_notify($1, $2)', [channel, node])
    }),
    onWoken: listeners.onWoken,
    close: async () => {
      listeners.close()
      await soon(underWay)
    },
  }
}

/** A server that is away would keep us for its own time-outs. */
async function soon(ending: Promise<void> | undefined): Promise<void> {
  await Promise.race([ending?.catch(() => undefined), pause(endMs, undefined, { ref: false })])
}

/** One at a time, and one more for all that come meanwhile. */
function createTelling(tell: () => Promise<void>): () => void {
  let isUnderWay = false
  let isWanted = false
  const run = async (): Promise<void> => {
    isUnderWay = true
    while (isWanted) {
      isWanted = false
      // Lost, and then found at the next beat.
      await tell().catch(() => undefined)
    }
    isUnderWay = false
  }
  return () => {
    isWanted = true
    if (!isUnderWay) void run()
  }
}

async function listen(
  url: string,
  node: string,
  wake: () => void,
  signal: AbortSignal,
): Promise<void> {
  let backOffMs = backOffMsMin
  let hasListened = false
  while (!signal.aborted) {
    const client = await connect(url)
    if (client !== undefined) {
      client.on('notification', ({ payload }) => {
        if (payload !== node) wake()
      })
      const wasListening = await listenOn(client, signal, hasListened ? wake : undefined)
      hasListened ||= wasListening
      await soon(client.end())
      if (wasListening) backOffMs = backOffMsMin
    }
    // By chance, so that the nodes of a server that is back do not all come at once.
    await pause(backOffMs * (0.5 + Math.random()), undefined, { ref: false, signal }).catch(
      () => undefined,
    )
    backOffMs = Math.min(backOffMs * 2, backOffMsMax)
  }
}

async function connect(url: string): Promise<Client | undefined> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: connectMs,
    query_timeout: connectMs,
    keepAlive: true,
    application_name: 'portcullis wake',
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return client
  } catch {
    return undefined
  }
}

/** Until the connection ends or answers no more, or it is told to stop. False when it could not listen at all. */
async function listenOn(
  client: Client,
  signal: AbortSignal,
  onListening: (() => void) | undefined,
): Promise<boolean> {
  const over = new AbortController()
  client.once('end', () => over.abort())
  const ending = AbortSignal.any([over.signal, signal])
  try {
    await client.query(`LISTEN ${channel}`)
  } catch {
    return false
  }
  // Something may have been told while nobody listened.
  onListening?.()
  while (!ending.aborted) {
    await pause(lookEveryMs, undefined, { ref: false, signal: ending }).catch(() => undefined)
    if (ending.aborted) break
    await client.query('SELECT 1').catch(() => over.abort())
  }
  return true
}
