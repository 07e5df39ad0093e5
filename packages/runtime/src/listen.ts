import type { Server } from 'node:net'
import { once } from 'node:events'
import { StartError, systemErrorCode } from './start-error.ts'

export interface ListenAddress {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
}

/** Listens, and returns the port that was taken. A port that cannot be had is a `StartError`. */
export async function listen(
  server: Server,
  address: ListenAddress,
  name: string,
): Promise<number> {
  server.listen(address.port, address.host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw listenError(error, address, name)
  }
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new TypeError('not listening on TCP')
  return bound.port
}

/** Turns what the operating system says about a listener into what its operator can do. */
export function listenError(error: unknown, address: ListenAddress, name: string): unknown {
  const where = `${address.host}:${address.port}`
  switch (systemErrorCode(error)) {
    case 'EADDRINUSE':
      return new StartError(
        `${name} cannot listen on ${where}: the port is in use`,
        'Stop the process that holds it, or choose another port.',
        { cause: error },
      )
    case 'EACCES':
      return new StartError(
        `${name} cannot listen on ${where}: permission denied`,
        'Choose a port above 1023, or grant the right to bind low ports.',
        { cause: error },
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new StartError(
        `${name} cannot listen on ${where}: this machine has no such address`,
        'Choose an address of this machine, such as 127.0.0.1.',
        { cause: error },
      )
    default:
      return error
  }
}
