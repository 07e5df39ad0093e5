import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A span as it was sent, and by whom. */
export interface CollectedSpan {
  readonly service: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  /** 2: of a server, 3: of a client. */
  readonly kind: number
}

export interface SpanCollector {
  /** As an exporter wants it. */
  readonly endpoint: string
  readonly spans: readonly CollectedSpan[]
  /** Everything that identity and the gateway have sent, as text. */
  readonly sentBy: (service: string) => string
  readonly close: () => void
}

interface SentBatch {
  readonly resourceSpans: readonly {
    readonly resource: {
      readonly attributes: readonly {
        readonly key: string
        readonly value: { readonly stringValue?: string }
      }[]
    }
    readonly scopeSpans: readonly { readonly spans: readonly Omit<CollectedSpan, 'service'>[] }[]
  }[]
}

/** Takes OTLP over HTTP, in JSON, on loopback. */
export async function startSpanCollector(): Promise<SpanCollector> {
  const spans: CollectedSpan[] = []
  const sent = new Map<string, string>()
  const take = (body: string): void => {
    const { resourceSpans } = JSON.parse(body) as SentBatch
    for (const { resource, scopeSpans } of resourceSpans) {
      const named = resource.attributes.find(({ key }) => key === 'service.name')
      const service = named?.value.stringValue ?? ''
      sent.set(service, (sent.get(service) ?? '') + body)
      const own = scopeSpans.flatMap((scope) => scope.spans)
      spans.push(...own.map((span) => ({ ...span, service })))
    }
  }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    take(await text(request))
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  }
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    spans,
    sentBy: (service) => sent.get(service) ?? '',
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
