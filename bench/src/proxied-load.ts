import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { once } from 'node:events'
import { seededOrder } from './access-order.ts'
import type { Sample } from './findings.ts'
import type { TokenStock } from './token-stock.ts'

export interface ProxiedServer {
  readonly port: number
  /** Of everybody that a request goes through, and who is not the service. */
  readonly cpuUs: () => number
}

export interface ProxiedLoad {
  /** Sends each token twice, as tokens that live are seen again and again. */
  readonly showAll: () => Promise<void>
  readonly sample: (roundMs: number) => Promise<Sample>
  readonly close: () => void
}

/**
 * Keep-alive connections, each of which asks again as soon as it was answered. By sockets alone, since it shares its
 * core with the service: what it takes itself the others do not get. Connections are kept from round to round.
 */
export async function loadThrough(
  { port, cpuUs }: ProxiedServer,
  tokens: TokenStock,
  connections: number,
): Promise<ProxiedLoad> {
  const order = seededOrder('zipf', tokens.count)
  let asked = 0
  let shown = 0
  const showsAll = (): boolean => shown < tokens.count * 2
  const next = (): string => {
    if (showsAll()) return requestWith(tokens.at(shown++ % tokens.count))
    asked += 1
    return requestWith(tokens.at(order[asked % order.length] ?? 0))
  }
  const callers = await Promise.all(
    Array.from({ length: connections }, () => openCaller(port, next)),
  )
  const askWhile = (goesOn: () => boolean): Promise<readonly number[]> =>
    Promise.all(callers.map((caller) => caller.askWhile(goesOn)))
  return {
    showAll: async () => {
      await askWhile(showsAll)
    },
    sample: async (roundMs) => {
      const cpuBefore = cpuUs()
      const startedAt = performance.now()
      const answers = await askWhile(() => performance.now() < startedAt + roundMs)
      const wallMs = performance.now() - startedAt
      const count = answers.reduce((sum, one) => sum + one, 0)
      return { wallUs: (wallMs * 1000) / count, cpuUs: (cpuUs() - cpuBefore) / count }
    },
    close: () => {
      for (const { close } of callers) close()
    },
  }
}

/** As a browser's or a client's library sends it, without what only makes it longer. */
function requestWith(token: string): string {
  return (
    'GET /orders/42 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: load/1\r\n' +
    `Accept: application/json\r\nAccept-Encoding: gzip\r\nAuthorization: Bearer ${token}\r\n\r\n`
  )
}

interface Caller {
  /** Asks again after each answer while it goes on. Answers how often it was answered. */
  readonly askWhile: (goesOn: () => boolean) => Promise<number>
  readonly close: () => void
}

function nobodyWaits(_fault?: Error): void {}

async function openCaller(port: number, next: () => string): Promise<Caller> {
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  socket.setEncoding('latin1')
  let answered = ''
  let onAnswer = nobodyWaits
  socket.on('data', (text: string) => {
    answered += text
    if (!isWhole(answered)) return
    const fault = answered.startsWith('HTTP/1.1 200 ') ? undefined : new Error(answered)
    answered = ''
    onAnswer(fault)
  })
  socket.on('error', (error) => onAnswer(error))
  socket.on('close', () => onAnswer(new Error('the connection was closed')))
  return {
    askWhile: (goesOn) =>
      new Promise((resolve, reject) => {
        if (!socket.writable) return reject(new Error('the connection was closed'))
        let count = 0
        onAnswer = (fault) => {
          if (fault !== undefined) return reject(fault)
          count += 1
          if (!goesOn()) return resolve(count)
          socket.write(next(), 'latin1')
        }
        socket.write(next(), 'latin1')
      }),
    close: () => {
      onAnswer = nobodyWaits
      socket.destroy()
    },
  }
}

/** By `Content-Length`, or by the last chunk: nothing else comes here. */
function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end + 2))?.[1]
  return length === undefined
    ? text.endsWith('\r\n0\r\n\r\n')
    : text.length >= end + 4 + Number(length)
}
