import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:http'
import type { Chance } from './chance.ts'
import type { Node } from './mortal.ts'

/** What a call is about: the moment of a kill may hang on it. */
export type CallName =
  | 'read'
  | 'login'
  | 'refresh'
  | 'logout'
  | 'end-session'
  | 'logout-everywhere'
  | 'password-change'
  | 'block'
  | 'unblock'
  | 'rotate-keys'

export interface Call {
  readonly name: CallName
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly form?: Readonly<Record<string, string>>
  readonly json?: object
  readonly bearer?: string
}

export interface Answered {
  readonly kind: 'answered'
  readonly status: number
  readonly body: Buffer
  /** Those of a JSON body; none for any other. */
  readonly members: Readonly<Record<string, unknown>>
}

/** `unanswered`: the process, or its store, was killed before the last octet was here. Nobody knows what it did. */
export type Answer = Answered | { readonly kind: 'unanswered' }

export type CallMoment = 'sent' | 'answered'

export interface DoorOptions {
  /** Each call goes to one that lives. */
  readonly nodes: readonly Pick<Node, 'port' | 'isDown'>[]
  readonly chance: Chance
  /** Whether the store was killed: until then no call may be told that it cannot be reached. */
  readonly isStoreDown: () => boolean
  readonly onMoment: (moment: CallMoment, name: CallName, elapsedMs: number) => void
}

/** The way in during one life, over connections that end with it. */
export interface Door {
  readonly call: (call: Call) => Promise<Answer>
  readonly close: () => void
}

/** Nothing that is asked here takes longer, even with all the passwords in the queue before it. */
const answerMsMax = 15_000

export function openDoor({ nodes, chance, isStoreDown, onMoment }: DoorOptions): Door {
  const agent = new Agent({ keepAlive: true })
  const send = (
    port: number,
    { method, path, ...asked }: Call,
    onSent: () => void,
  ): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { headers, body } = encode(asked)
      const sending = request({ host: '127.0.0.1', port, agent, method, path, headers }, resolve)
      sending.setTimeout(answerMsMax, () => sending.destroy(new Error('it took too long')))
      sending.on('error', reject)
      sending.end(body, onSent)
    })
  return {
    call: async (asked) => {
      const living = nodes.filter(({ isDown }) => !isDown())
      const node = living[chance.integer(0, living.length - 1)]
      if (node === undefined) return unanswered
      const startedAt = performance.now()
      const tell = (moment: CallMoment): void =>
        onMoment(moment, asked.name, performance.now() - startedAt)
      try {
        const answered = await read(await send(node.port, asked, () => tell('sent')))
        if (answered.status === 503 && isStoreDown()) return unanswered
        tell('answered')
        return answered
      } catch (error) {
        if (node.isDown()) return unanswered
        throw new Error(`a living identity left ${asked.name} unanswered`, { cause: error })
      }
    },
    close: () => agent.destroy(),
  }
}

const unanswered: Answer = { kind: 'unanswered' }

function encode({ form, json, bearer }: Pick<Call, 'form' | 'json' | 'bearer'>): {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
} {
  const authorization = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }
  if (form !== undefined) {
    const type = 'application/x-www-form-urlencoded'
    const body = new URLSearchParams(form).toString()
    return { headers: { ...authorization, 'content-type': type }, body }
  }
  if (json === undefined) return { headers: authorization, body: '' }
  return {
    headers: { ...authorization, 'content-type': 'application/json' },
    body: JSON.stringify(json),
  }
}

async function read(response: IncomingMessage): Promise<Answered> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(Buffer.from(chunk as Uint8Array))
  const body = Buffer.concat(chunks)
  const isJson = response.headers['content-type']?.includes('json') === true
  const parsed: unknown = isJson ? JSON.parse(body.toString('utf8')) : {}
  return {
    kind: 'answered',
    status: response.statusCode ?? 0,
    body,
    members: typeof parsed === 'object' && parsed !== null ? { ...parsed } : {},
  }
}
