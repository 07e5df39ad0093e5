import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { connect } from 'node:tls'
import { certificateOf } from './tls-files.ts'

/** Trusts `authority` and `localhost`, and asks for the name localhost and HTTP/1.1 unless told otherwise. */
export async function openSecurely(
  port: number,
  options: ConnectionOptions = {},
): Promise<TLSSocket> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: [certificateOf('authority'), certificateOf('localhost')],
    ALPNProtocols: ['http/1.1'],
    ...options,
  })
  await once(socket, 'secureConnect')
  socket.on('error', () => socket.destroy())
  return socket
}

const patienceMs = 5000

/** Writes octets as they stand and reads until the other side closes. */
export async function sendSecurely(
  port: number,
  octets: string,
  options: ConnectionOptions = {},
): Promise<string> {
  const socket = await openSecurely(port, options)
  socket.setTimeout(patienceMs, () => socket.destroy(new Error('no answer')))
  socket.write(Buffer.from(octets, 'latin1'))
  return (await restOf(socket)).toString('latin1')
}

/** Everything that comes until the connection ends. */
async function restOf(socket: TLSSocket): Promise<Buffer> {
  const pieces: Buffer[] = []
  socket.on('data', (piece: Buffer) => pieces.push(piece))
  if (!socket.closed) await once(socket, 'close')
  return Buffer.concat(pieces)
}

/** For whose names the listener shows a certificate at the moment. */
export async function namesShown(
  port: number,
  options: ConnectionOptions = {},
): Promise<string | undefined> {
  const socket = await openSecurely(port, { rejectUnauthorized: false, ...options })
  const { subjectaltname } = socket.getPeerCertificate()
  socket.destroy()
  return subjectaltname
}
