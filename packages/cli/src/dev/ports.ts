import type { Server } from 'node:net'
import { createServer } from 'node:net'
import { listen, StartError } from '@portcullis/runtime'
import { hasExamples } from './examples.ts'

export interface Ports {
  readonly identity: number
  readonly orders: number
  readonly reviews: number
  readonly gateway: number
  readonly operations: number
  /** Any free port will do: who asks it is told where it is. */
  readonly gatewayOperations: number
}

const host = '127.0.0.1'

/**
 * The ports of a development system: a row from `base`, or any free ones when that is 0. A port that
 * is in use is found here, before anything is started or written.
 */
export async function choosePorts(base: number): Promise<Ports> {
  const probes: Server[] = []
  const probe = async (name: string, port: number): Promise<number> => {
    const server = createServer()
    probes.push(server)
    return listen(server, { host, port }, name)
  }
  const inRow = (offset: number): number => (base === 0 ? 0 : base + offset)
  // Where no example is, a service of one's own may listen already.
  const service = async (name: string, port: number): Promise<number> =>
    port === 0 || hasExamples() ? probe(name, port) : port
  try {
    return {
      identity: await probe('identity', inRow(0)),
      orders: await service('orders', inRow(1)),
      reviews: await service('reviews', inRow(2)),
      gateway: await probe('the gateway', inRow(3)),
      operations: await probe('the operations listener', inRow(4)),
      gatewayOperations: await probe('the operations listener of the gateway', 0),
    }
  } catch (error) {
    throw error instanceof StartError ? withRemedy(error) : error
  } finally {
    // Only now, so that two names never get one free port.
    await Promise.all(probes.map(closed))
  }
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

function withRemedy(error: StartError): StartError {
  return new StartError(
    error.message,
    'Stop the process that holds it, or set PORTCULLIS_PORT_BASE to the first of five free ports, or to 0 for any.',
    { cause: error },
  )
}
