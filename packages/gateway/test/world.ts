import type { RequestListener } from 'node:http'
import type { TestContext } from 'node:test'
import { createLog } from '@portcullis/runtime'
import type { TestIssuer, TestIssuerOptions } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'
import { keepLines } from '../../runtime/test/kept-lines.ts'
import { parseGatewaySettings, startGateway } from '../src/index.ts'
import type { Answer, Question } from './http-client.ts'
import { ask } from './http-client.ts'
import type { Recorder } from './recorder.ts'
import { startRecorder } from './recorder.ts'

/** A gateway between an issuer and a service, on real sockets; all of it ends with the test. */
export interface World {
  readonly issuer: TestIssuer
  readonly service: Recorder
  readonly port: number
  /** Where its health is told, when the file names a listener for it. */
  readonly operationsPort: number | undefined
  /** Everything the gateway has logged, as text. */
  readonly log: () => string
  readonly ask: (question?: Question) => Promise<Answer>
  readonly close: () => Promise<void>
}

export interface WorldOptions {
  /** Members that replace those of the default file; `to` leads to the service. */
  readonly file?: (to: readonly string[]) => Readonly<Record<string, unknown>>
  /** Replaces the service that records. */
  readonly service?: RequestListener
  readonly issuer?: TestIssuerOptions
  /** The issuer answers nothing but errors from the start. */
  readonly issuerIsDown?: boolean
  /** The clock of whatever is counted by the second. */
  readonly steadyNow?: () => number
}

/** The default file: `/orders/*` wants a token for `orders`, `/public/*` wants none. */
export async function startWorld(t: TestContext, options: WorldOptions = {}): Promise<World> {
  const service = await startRecorder(options.service)
  const issuer = await createTestIssuer({ algorithm: 'ES256', ...options.issuer })
  if (options.issuerIsDown === true) issuer.goDown()
  const to = [service.origin]
  const lines: string[] = []
  const log = createLog({
    name: 'gateway',
    level: 'trace',
    destination: keepLines(lines),
  })
  const settings = parseGatewaySettings({
    listen: { port: 0 },
    issuer: issuer.issuer,
    auth: { audience: 'orders' },
    routes: [
      { match: '/orders/*', to },
      { match: '/optional/*', to, auth: { mode: 'optional' } },
      { match: '/public/*', to, auth: { mode: 'none' } },
    ],
    ...options.file?.(to),
  })
  const gateway = await startGateway(settings, {
    log,
    ...(options.issuer?.now === undefined ? {} : { now: options.issuer.now }),
    ...(options.steadyNow === undefined ? {} : { steadyNow: options.steadyNow }),
  })
  t.after(async () => {
    await Promise.all([gateway.close(), issuer.close(), service.close()])
  })
  return {
    issuer,
    service,
    port: gateway.port,
    operationsPort: gateway.operationsPort,
    log: () => lines.join(''),
    ask: (question) => ask(gateway.port, question),
    close: gateway.close,
  }
}
