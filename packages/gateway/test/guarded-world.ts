import type { TestContext } from 'node:test'
import type { FrontProxyKind } from './front-proxies.ts'
import type { Answer, Question } from './http-client.ts'
import { ask, sendRaw } from './http-client.ts'
import type { Recorder } from './recorder.ts'
import { startRecorder } from './recorder.ts'
import type { World, WorldOptions } from './world.ts'
import { startWorld } from './world.ts'

export const managed: readonly string[] = [
  'X-Auth-Subject',
  'X-Auth-Roles',
  'X-Auth-Scope',
  'X-Auth-Session',
]

/** Client → proxy → service, where the proxy asks the gateway. */
export interface Guarded extends World {
  /** Behind the proxy. */
  readonly behind: Recorder
  readonly proxyPort: number
  readonly askProxy: (question?: Question) => Promise<Answer>
  readonly sendProxy: (lines: readonly string[], body?: string) => Promise<string>
}

export async function startGuarded(
  t: TestContext,
  kind: FrontProxyKind,
  more: Readonly<Record<string, unknown>> = {},
  options: WorldOptions = {},
): Promise<Guarded> {
  const behind = await startRecorder()
  t.after(behind.close)
  const world = await startWorld(t, {
    ...options,
    file: () => ({
      trustedProxies: ['127.0.0.1'],
      forwardAuth: { dialect: kind.name },
      identityHeaders: {
        subject: 'X-Auth-Subject',
        roles: 'X-Auth-Roles',
        scope: 'X-Auth-Scope',
        session: 'X-Auth-Session',
      },
      routes: [
        { match: '/orders/*' },
        { match: '/writes/*', methods: ['POST'], auth: { roles: ['admin'] } },
        { match: '/optional/*', auth: { mode: 'optional' } },
        { match: '/public/*', auth: { mode: 'none' } },
      ],
      ...more,
    }),
  })
  const proxy = await kind.start({ gateway: world.port, service: behind.port })
  t.after(proxy.stop)
  return { ...world, behind, proxyPort: proxy.port, ...asking(proxy.port) }
}

export function asking(port: number): Pick<Guarded, 'askProxy' | 'sendProxy'> {
  return {
    askProxy: (question) => ask(port, question),
    sendProxy: (lines, body = '') => {
      const [first = '', ...rest] = lines
      const head = [first, 'Host: shop.example', 'Connection: close', ...rest].join('\r\n')
      return sendRaw(port, `${head}\r\n\r\n${body}`)
    },
  }
}

/** What the service could take for an identity header, by the rules of CGI and WSGI. */
export function identityAt({ rawHeaders }: { rawHeaders: readonly string[] }): readonly string[] {
  return rawHeaders.flatMap((name, at) =>
    at % 2 === 0 && /^x[^a-z0-9]auth[^a-z0-9]/i.test(name) && rawHeaders[at + 1] !== ''
      ? [`${name.toLowerCase()}: ${rawHeaders[at + 1]}`]
      : [],
  )
}
