import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { boundMs, mayFail } from './judging.ts'
import type { Scene } from './scene.ts'
import { newNonce } from './scene.ts'
import type { HeldToken } from './sessions.ts'

/** The leeway for expiry, and one to two turns until the gateway looks at what is still going on. */
const expiryMs = 12_000
const patienceMs = 15_000

/** Our own, and that of a connection that just ends: a frame was under way, or there was no handshake. */
const tokenCodes: ReadonlySet<number> = new Set([3000, 1006])

/** Looks at a stream while it goes on, and at its end. */
interface StreamJudge {
  /** Something came, or was due to come. */
  readonly look: () => void
  /** It has ended, and not by us. `code` where the end says something. */
  readonly ended: (what: string, code?: number) => void
}

function judgeStream(scene: Scene, kind: string, token: HeldToken): StreamJudge {
  const { book, services } = scene
  const { session, expiresAtMs } = token
  const fromMs = Date.now()
  let isTold = false
  return {
    look: () => {
      const now = Date.now()
      const { endedAtMs } = session
      const isOver = now > expiresAtMs + expiryMs || (endedAtMs ?? Infinity) + boundMs < now
      if (isOver && !isTold)
        book.fault(`${new Date().toISOString()} ${kind}: goes on without a good token`)
      isTold ||= isOver
    },
    ended: (what, code) => {
      const now = Date.now()
      const { endedAtMs } = session
      const wereOut = services.some((service) => service.wasOut(fromMs, now))
      const ms = now - fromMs
      if (mayFail(token, now) && (wereOut || code === undefined || tokenCodes.has(code))) {
        book.count(`${kind}: ended with its token`)
        if (endedAtMs !== undefined && code === 3000)
          book.lasted('a WebSocket outlived its session', now - endedAtMs)
      } else if (wereOut) {
        book.count(`${kind}: ended with its service`)
      } else if (scene.witness.wasSilent(fromMs, now)) {
        book.count(`${kind}: ended when the issuer vouched for nothing`)
      } else if (scene.stoodStill(fromMs, now)) {
        book.count(`${kind}: ended when this machine stood still`)
      } else {
        book.fault(
          `${new Date().toISOString()} ${kind}: ended after ${ms} ms without a reason: ${what}`,
        )
      }
    },
  }
}

/** Reads one stream of events after the other. */
export async function followEvents(scene: Scene): Promise<void> {
  while (!scene.isOver()) {
    await followOnce(scene)
    await setTimeout(scene.chance.integer(1, 300))
  }
}

async function followOnce(scene: Scene): Promise<void> {
  const { chance, sessions, book, port } = scene
  const token = sessions.live()
  const nonce = newNonce()
  const everyMs = chance.integer(20, 400)
  const endsAtMs = Date.now() + chance.integer(100, chance.oneIn(4) ? 100_000 : 15_000)
  const judge = judgeStream(scene, 'events', token)
  const sent = request({
    host: '127.0.0.1',
    port,
    agent: false,
    path: `/live/events/${nonce}/${everyMs}`,
    headers: { authorization: `Bearer ${token.text}` },
  })
  sent.on('error', () => undefined)
  sent.end()
  const begun = await Promise.race([
    once(sent, 'response').then(
      ([response]) => response as IncomingMessage,
      () => 'broken',
    ),
    setTimeout(patienceMs, 'late'),
  ])
  if (typeof begun === 'string' || begun.statusCode !== 200) {
    sent.destroy()
    const how = typeof begun === 'string' ? begun : String(begun.statusCode)
    return judge.ended(`no stream: ${how}`)
  }
  let isOurs = false
  const stop = (): void => {
    isOurs = true
    sent.destroy()
  }
  let expected = 0
  let rest = ''
  const takeEvent = (text: string): void => {
    const subject = token.about.get('x-auth-subject') ?? ''
    if (text !== `data: ${JSON.stringify([nonce, expected, subject])}`) {
      book.fault(`an event of another stream, or out of turn: ${text}, expected ${expected}`)
    }
    expected += 1
    book.count('events')
    judge.look()
    if (Date.now() > endsAtMs || scene.isOver()) stop()
  }
  begun.on('data', (piece: Buffer) => {
    const parts = (rest + piece.toString()).split('\n\n')
    rest = parts.pop() ?? ''
    for (const text of parts) if (!isOurs) takeEvent(text)
  })
  begun.on('error', () => undefined)
  await new Promise((resolve) => begun.once('close', resolve))
  if (isOurs) book.count('streams of events left by their reader')
  else judge.ended(begun.complete ? 'it looks whole' : 'it was cut')
}

/** Talks over one WebSocket after the other. */
export async function talk(scene: Scene): Promise<void> {
  while (!scene.isOver()) {
    await talkOnce(scene)
    await setTimeout(scene.chance.integer(1, 300))
  }
}

async function talkOnce(scene: Scene): Promise<void> {
  const { chance, sessions, book } = scene
  const token = sessions.live()
  const nonce = newNonce()
  const endsAtMs = Date.now() + chance.integer(100, chance.oneIn(4) ? 100_000 : 15_000)
  const judge = judgeStream(scene, 'WebSocket', token)
  const talking = openTalk(`ws://127.0.0.1:${scene.port}/live/socket/${nonce}`, token)
  const wasOpened = await talking.opened
  for (let count = 0; !talking.isClosed(); count += 1) {
    judge.look()
    if (Date.now() > endsAtMs || scene.isOver()) break
    const length = chance.oneIn(20) ? 100_000 : chance.integer(0, 200)
    const text = `${nonce}:${count}:${'x'.repeat(length)}`
    const echo = await talking.echoOf(text)
    if (echo === undefined) {
      if (!talking.isClosed()) book.fault('a WebSocket fell silent')
      break
    }
    if (echo !== text) book.fault(`a message of another WebSocket: ${echo.slice(0, 40)}`)
    book.count('messages over WebSockets')
    await talking.closedWithin(chance.integer(10, 300))
  }
  const isOurs = wasOpened && !talking.isClosed()
  const end = await talking.close()
  if (isOurs) book.count('WebSockets left by their client')
  else
    judge.ended(
      wasOpened ? `${end?.code} ${end?.reason}` : `no handshake: ${talking.fault()}`,
      end?.code,
    )
}

/** Node tells what was wrong, of which the types of browsers know nothing. */
function messageOf(event: Event): string {
  return 'message' in event ? String(event.message) : 'an error'
}

interface Talk {
  readonly opened: Promise<boolean>
  readonly isClosed: () => boolean
  readonly fault: () => string
  /** Undefined when none came. */
  readonly echoOf: (text: string) => Promise<string | undefined>
  readonly closedWithin: (ms: number) => Promise<void>
  readonly close: () => Promise<CloseEvent | undefined>
}

function within(ms: number): Promise<void> {
  return setTimeout(ms, undefined, { ref: false })
}

function openTalk(address: string, token: HeldToken): Talk {
  const headers = { authorization: `Bearer ${token.text}` }
  // Node takes header fields as well, of which the types of browsers know nothing.
  const socket = Reflect.construct(WebSocket, [address, { headers }]) as WebSocket
  let end: CloseEvent | undefined
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  let fault = ''
  socket.addEventListener('error', (event) => (fault = messageOf(event)))
  socket.addEventListener('close', (event) => {
    end = event
    resolve()
  })
  const opened = once(socket, 'open').then(
    () => true,
    () => false,
  )
  return {
    opened: Promise.race([opened, closed.then(() => false), within(patienceMs).then(() => false)]),
    fault: () => fault,
    isClosed: () => end !== undefined || socket.readyState !== WebSocket.OPEN,
    echoOf: async (text) => {
      let echo: string | undefined
      const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
      const take = ({ data }: MessageEvent): void => {
        echo = String(data)
        answer()
      }
      socket.addEventListener('message', take, { once: true })
      socket.send(text)
      await Promise.race([answered, closed, within(patienceMs)])
      socket.removeEventListener('message', take)
      return echo
    },
    closedWithin: (ms) => Promise.race([closed, within(ms)]),
    close: async () => {
      socket.close()
      await Promise.race([closed, within(patienceMs)])
      return end
    },
  }
}
