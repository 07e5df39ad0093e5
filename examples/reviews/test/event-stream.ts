import assert from 'node:assert/strict'
import type { GraphQLBody, RunningReviews } from './running-reviews.ts'
import { graphqlPath, graphqlRequest } from './running-reviews.ts'

/** One subscription over server-sent events, as a client reads it. */
export interface EventStream {
  readonly status: number
  /** The next event that is not a ping; undefined after the end of the stream. */
  readonly next: () => Promise<StreamEvent | undefined>
  /** All that come until the stream ends. */
  readonly rest: () => Promise<readonly StreamEvent[]>
  readonly leave: () => void
}

export interface StreamEvent {
  readonly event: string
  readonly body: GraphQLBody | undefined
}

export async function subscribe(
  { origin }: RunningReviews,
  token: string,
  selection = 'reviewAdded { item text author }',
): Promise<EventStream> {
  const controller = new AbortController()
  const request = graphqlRequest(`subscription { ${selection} }`, token, {
    signal: controller.signal,
    headers: { accept: 'text/event-stream' },
  })
  const answer = await fetch(`${origin}${graphqlPath}`, request)
  assert.match(String(answer.headers.get('content-type')), /^text\/event-stream/)
  assert.ok(answer.body)
  const events = parse(answer.body.pipeThrough(new TextDecoderStream()))
  return {
    status: answer.status,
    next: async () => {
      const { value, done } = await events.next()
      return done === true ? undefined : value
    },
    rest: async () => {
      const all: StreamEvent[] = []
      for await (const event of events) all.push(event)
      return all
    },
    leave: () => controller.abort(),
  }
}

async function* parse(texts: AsyncIterable<string>): AsyncGenerator<StreamEvent, undefined> {
  let rest = ''
  for await (const text of texts) {
    const blocks = (rest + text).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = new Map(block.split('\n').map((line) => split(line)))
      const event = fields.get('event')
      if (event === undefined) continue
      const data = fields.get('data') ?? ''
      yield { event, body: data === '' ? undefined : (JSON.parse(data) as GraphQLBody) }
    }
  }
}

function split(line: string): readonly [string, string] {
  const at = line.indexOf(':')
  return [line.slice(0, at), line.slice(at + 1).trim()]
}
