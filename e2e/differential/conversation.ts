import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import type { Answer } from './answers.ts'
import { readAnswers } from './answers.ts'
import type { Stream } from './messages.ts'

/** What a client sees of one batch. */
export interface Seen {
  readonly answers: readonly Answer[]
  /** What is no answer yet, or never. */
  readonly rest: string
  readonly isBroken: boolean
  readonly isClosed: boolean
  readonly isOverdue: boolean
}

export interface Client {
  readonly say: (octets: string, pieces: number, stream: Stream) => Promise<Seen>
  readonly isOpen: () => boolean
  readonly close: () => void
}

/** Far longer than anything takes, also where the machine is busy with something else. */
const patienceMs = 20_000

/** A connection that says one batch after the other. */
export async function openClient(port: number): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => socket.destroy())
  await Promise.race([once(socket, 'connect'), once(socket, 'close')])
  return {
    say: async (octets, pieces, stream) => {
      const isWhole = stream.rest === 'nothing'
      // An answer may come before all is said, and what is said next is of another batch.
      const [seen] = await Promise.all([
        listen(socket, stream),
        write(socket, octets, pieces, isWhole),
      ])
      return seen
    },
    isOpen: () => !socket.destroyed && socket.writable && socket.readable,
    close: () => socket.destroy(),
  }
}

/** Whatever is not whole is followed by the end of what the client says. */
async function write(
  socket: Socket,
  octets: string,
  pieces: number,
  isWhole: boolean,
): Promise<void> {
  const size = Math.ceil(octets.length / pieces)
  for (let at = 0; at < octets.length; at += size) {
    if (at > 0) await setImmediate()
    if (socket.writable) socket.write(Buffer.from(octets.slice(at, at + size), 'latin1'))
  }
  if (!isWhole && socket.writable) socket.end()
}

/** Until every request has its answer, or the connection ends where one says so or something is no request. */
function listen(socket: Socket, { messages, rest }: Stream): Promise<Seen> {
  const methods = messages.map(({ method }) => method)
  const { promise, resolve } = Promise.withResolvers<Seen>()
  let octets = ''
  const end = (isClosed: boolean, isOverdue: boolean): void => {
    clearTimeout(timer)
    socket.off('data', take)
    socket.off('close', close)
    resolve({ ...readAnswers(octets, methods, isClosed), isClosed, isOverdue })
  }
  const close = (): void => end(true, false)
  const take = (piece: Buffer): void => {
    octets += piece.toString('latin1')
    if (rest !== 'nothing') return
    const { answers, isBroken } = readAnswers(octets, methods, false)
    const isLast = answers.some(({ closes }) => closes)
    if (isBroken || (answers.length >= messages.length && !isLast)) end(false, false)
  }
  const timer = setTimeout(() => end(false, true), patienceMs)
  socket.on('data', take)
  socket.once('close', close)
  if (socket.destroyed) close()
  return promise
}
