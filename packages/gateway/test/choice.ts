import assert from 'node:assert/strict'
import { createLog } from '@portcullis/runtime'
import { parseGatewaySettings } from '../src/index.ts'
import type { Services } from '../src/upstream/choice.ts'
import type { Upstream } from '../src/upstream/upstream.ts'
import { createUpstreams } from '../src/upstream/upstreams.ts'

export const origins = ['http://a.example', 'http://b.example', 'http://c.example']

/** The services of one route, of which none is ever asked, at a chosen time. */
export interface Choice {
  readonly next: (isRepeatable?: boolean) => Upstream
  readonly second: Services['second']
  readonly advanceMs: (ms: number) => void
  readonly unreachable: () => readonly string[]
}

export function choiceOf(
  members: Readonly<Record<string, unknown>> = {},
  limits: object = {},
): Choice {
  const settings = parseGatewaySettings({
    listen: { port: 0 },
    issuer: 'https://id.example',
    routes: [{ match: '/*', to: origins, auth: { mode: 'none' }, ...members }],
    limits,
  })
  const [route] = settings.routes
  assert.ok(route)
  let nowMs = 0
  const log = createLog({ name: 'gateway', destination: { write: () => undefined } })
  const upstreams = createUpstreams({ log, now: () => nowMs })
  const services = upstreams.lease(settings).servicesOf(route)
  return {
    next: (isRepeatable = true) => services.first(isRepeatable),
    second: services.second,
    advanceMs: (ms) => {
      nowMs += ms
    },
    unreachable: upstreams.unreachable,
  }
}
