import type { FastifyInstance } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The request headers that the route reads, where they are not those of `usualHeaders`. */
    requestHeaders?: readonly string[]
    /** So many programs ask it all the time that their requests, where they are granted, are no news in a log. */
    isBackground?: true
  }
}

/** The methods that a path has, and the request headers that each of them reads. */
export type MethodsOfPath = ReadonlyMap<string, readonly string[]>

/** Keeps account of the routes that are added from now on; answers the methods of a request's path. */
export function indexRoutes(app: FastifyInstance): (url: string) => MethodsOfPath | undefined {
  const routes = new Map<string, Map<string, readonly string[]>>()
  app.addHook('onRoute', ({ url, method, config, schema }) => {
    const methods = routes.get(url) ?? new Map<string, readonly string[]>()
    for (const name of [method].flat()) {
      methods.set(name, config?.requestHeaders ?? usualHeaders(name, schema?.body))
    }
    routes.set(url, methods)
  })
  return (url) => {
    const path = url.split('?', 1)[0] ?? ''
    // A path that is named by itself may fit the pattern of another as well, and has the methods of both.
    const fitting = [...routes].flatMap(([pattern, methods]) =>
      fits(path, pattern) ? [...methods] : [],
    )
    return fitting.length === 0 ? undefined : new Map(fitting)
  }
}

/** A body may come with every POST, and comes with whatever cannot be asked without one. */
function usualHeaders(method: string, body: unknown): readonly string[] {
  const wantsBody = typeof body === 'object' && body !== null && 'required' in body
  const ofBody = method === 'POST' || wantsBody ? ['content-type'] : []
  return ['authorization', ...ofBody, 'dpop']
}

/** Whether a path is one of a route's pattern, whose parameters are whole segments. */
function fits(path: string, pattern: string): boolean {
  const segments = path.split('/')
  const wanted = pattern.split('/')
  return (
    segments.length === wanted.length &&
    wanted.every((want, index) =>
      want.startsWith(':') ? segments[index] !== '' : want === segments[index],
    )
  )
}
