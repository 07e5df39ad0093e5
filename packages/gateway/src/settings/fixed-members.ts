import { isDeepStrictEqual } from 'node:util'
import type { GatewaySettings } from './settings.ts'

/**
 * What the process has once, its listeners and the size of the buffers of their connections: the members that are
 * others now and wait for a restart, as JSON pointers.
 */
export function fixedMembers(first: GatewaySettings, next: GatewaySettings): readonly string[] {
  const members: readonly (readonly [string, unknown, unknown])[] = [
    ['/listen/host', first.listen.host, next.listen.host],
    ['/listen/port', first.listen.port, next.listen.port],
    ['/listen/tls', first.tls !== undefined, next.tls !== undefined],
    ['/operations', first.operations, next.operations],
    ['/tracing', first.tracing, next.tracing],
    ['/limits/headerBytes', first.limits.headerBytes, next.limits.headerBytes],
  ]
  return members.filter(([, was, is]) => !isDeepStrictEqual(was, is)).map(([pointer]) => pointer)
}

/** The next settings, with these members as they were at first. */
export function withFixedMembers(first: GatewaySettings, next: GatewaySettings): GatewaySettings {
  const { listen, operations, tracing } = first
  const isSecure = first.tls !== undefined
  return {
    ...next,
    listen,
    tls: isSecure === (next.tls !== undefined) ? next.tls : first.tls,
    operations,
    tracing,
    limits: { ...next.limits, headerBytes: first.limits.headerBytes },
  }
}
