import type { TestContext } from 'node:test'
import { pathsOf } from './tls-files.ts'
import type { World, WorldOptions } from './world.ts'
import { startWorld } from './world.ts'

/** A gateway that speaks TLS; `/orders/*` wants a token, `/public/*` none. `members` replace those of its file. */
export function startHttp2World(
  t: TestContext,
  members: object = {},
  options: Omit<WorldOptions, 'file'> = {},
): Promise<World> {
  return startWorld(t, {
    ...options,
    file: (to) => ({
      listen: { port: 0, tls: pathsOf('service') },
      routes: [
        { match: '/orders/*', to },
        { match: '/public/*', to, auth: { mode: 'none' } },
      ],
      ...members,
    }),
  })
}
