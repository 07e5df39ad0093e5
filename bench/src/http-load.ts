import { Agent, request } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Sample } from './findings.ts'
import type { Contestant } from './rounds.ts'
import type { ServerProcess } from './server-process.ts'

/** One request of the load: a form or JSON, by POST. */
export interface Asked {
  readonly path: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly members: Readonly<Record<string, unknown>>
}

export type Ask = (asked: Asked) => Promise<Answered>

/** Asks once and checks the answer: throws when it is not what was wanted. */
export type AskOnce = (ask: Ask) => Promise<void>

export function formOf(members: Readonly<Record<string, string>>): Pick<Asked, 'body' | 'headers'> {
  return {
    body: new URLSearchParams(members).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  }
}

/** Keep-alive connections to one server, at most so many. */
export interface Connections {
  readonly ask: Ask
  readonly close: () => void
}

export function connectTo({ origin }: Pick<ServerProcess, 'origin'>, count: number): Connections {
  const { hostname, port } = new URL(origin)
  const agent = new Agent({ keepAlive: true, maxSockets: count })
  const ask: Ask = ({ path, body, headers }) =>
    new Promise((resolve, reject) => {
      const length = Buffer.byteLength(body)
      const sending = request(
        {
          agent,
          hostname,
          port,
          path,
          method: 'POST',
          headers: { ...headers, 'content-length': length },
        },
        (response) => void read(response).then(resolve, reject),
      )
      sending.on('error', reject)
      sending.end(body)
    })
  return { ask, close: () => agent.destroy() }
}

async function read(response: IncomingMessage): Promise<Answered> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const members: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
  if (typeof members !== 'object' || members === null) throw new Error('an answer is no object')
  return { status: response.statusCode ?? 0, headers: response.headers, members: { ...members } }
}

/**
 * From 4 on a server of one core answers hardly more, and up to 64 no less; with 16 it does not wait for
 * the load.
 */
export const connectionsAtSaturation = 16

/** Closed loop: each connection asks again as soon as it was answered. */
export function loadOf(
  name: string,
  server: ServerProcess,
  askOnce: AskOnce,
  connections: number = connectionsAtSaturation,
): Contestant {
  return {
    name,
    sample: async (roundMs) => {
      // New ones each round: servers close what was idle while the others had their turn.
      const { ask, close } = connectTo(server, connections)
      const cpuBefore = server.cpuUs()
      const startedAt = performance.now()
      let answers = 0
      const loop = async (): Promise<void> => {
        do {
          await askOnce(ask)
          answers += 1
        } while (performance.now() - startedAt < roundMs)
      }
      await Promise.all(Array.from({ length: connections }, loop))
      const wallMs = performance.now() - startedAt
      const sample: Sample = {
        wallUs: (wallMs * 1000) / answers,
        cpuUs: (server.cpuUs() - cpuBefore) / answers,
      }
      close()
      return sample
    },
  }
}
