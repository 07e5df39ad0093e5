import type { IncomingMessage, RequestListener, Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface ReceivedPush {
  readonly headers: IncomingMessage['headers']
  readonly url: string
  readonly token: string
}

/** Somebody who takes events on loopback, or does not. */
export interface EventReceiver {
  readonly url: string
  readonly pushes: readonly ReceivedPush[]
  /** How the next are answered, by their paths; `hang` is never. */
  readonly answerWith: (answer: PushedAnswer) => void
  readonly close: () => Promise<void>
}

export type PushedAnswer =
  | 'hang'
  | {
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string
      /** When it is answered; default: at once. */
      readonly after?: Promise<void>
    }

export async function startEventReceiver(
  answerTo: (path: string) => PushedAnswer | undefined = () => undefined,
): Promise<EventReceiver> {
  const pushes: ReceivedPush[] = []
  let next: PushedAnswer = { status: 202 }
  const take: (...asked: Parameters<RequestListener>) => Promise<void> = async (
    request,
    response,
  ) => {
    const token = await text(request)
    const url = request.url ?? ''
    pushes.push({ headers: request.headers, url, token })
    const answer = answerTo(url) ?? next
    if (answer === 'hang') return
    await answer.after
    response.writeHead(answer.status, answer.headers).end(answer.body)
  }
  const server: Server = createServer((...asked) => void take(...asked))
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    pushes,
    answerWith: (answer) => {
      next = answer
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
