import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerQuestions } from './worker.ts'

/** What becomes of a push, by the first part of the path that it goes to. */
export type Reception = 'taken' | 'refused' | 'hung'

/** Any question: there is one thing to tell. */
export interface ReceptionAnswer {
  readonly origin: string
  readonly pushes: Readonly<Record<Reception, number>>
  /** Those that hang at this moment. */
  readonly open: number
}

/** Everybody who is pushed to, on one port. */
const pushes: Record<Reception, number> = { taken: 0, refused: 0, hung: 0 }
let open = 0

const server = createServer((request, response) => {
  request.resume().once('end', () => receive(request, response))
})
const listening = new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

function receive({ url = '' }: IncomingMessage, response: ServerResponse): void {
  const [, reception] = url.split('/')
  switch (reception) {
    case 'taken':
      response.writeHead(202).end()
      break
    case 'refused':
      response.writeHead(500).end()
      break
    case 'hung':
      open += 1
      response.once('close', () => {
        open -= 1
      })
      break
    default:
      throw new TypeError(`nobody is at ${url}`)
  }
  pushes[reception] += 1
}

answerQuestions(async (): Promise<ReceptionAnswer> => {
  await listening
  const { port } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, pushes: { ...pushes }, open }
})
