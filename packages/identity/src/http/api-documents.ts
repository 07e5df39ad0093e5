import type { FastifyInstance } from 'fastify'
import { sendDocument } from './cacheable-document.ts'
import { pathAtIssuer } from './issuer-path.ts'
import type { ApiDocument, ServedRoute } from './openapi/document.ts'
import { sendPage } from './pages/page.ts'
import type { HttpServer } from './server.ts'

export interface ApiDocumentParts {
  readonly issuer: string
  readonly jwksMaxAgeSeconds: number
}

/**
 * The description of every route that is added from now on: for programs at `/openapi.json`, for people at
 * `/docs`. It is made when somebody asks for the first time.
 */
export function addApiDocuments(
  app: HttpServer,
  { issuer, jwksMaxAgeSeconds }: ApiDocumentParts,
): void {
  const routes = listRoutes(app, issuer)
  let made: Promise<ApiDocument> | undefined
  const documentOnce = (): Promise<ApiDocument> => {
    made ??= import('./openapi/document.ts').then(({ describeApi }) => describeApi(issuer, routes))
    return made
  }

  const options = { config: { requestHeaders: ['if-none-match'] } }
  app.get(pathAtIssuer(issuer, '/openapi.json'), options, async (request, reply) =>
    sendDocument(request, reply, await documentOnce(), jwksMaxAgeSeconds),
  )
  app.get(pathAtIssuer(issuer, '/docs'), async (_request, reply) => {
    const { referencePage } = await import('./openapi/reference-page.ts')
    // Like the document itself.
    const language = 'en'
    return sendPage(reply, 200, referencePage(await documentOnce()), { issuer, language })
  })
}

/** Grows with every route that the server gets. */
function listRoutes(app: FastifyInstance, issuer: string): readonly ServedRoute[] {
  const routes: ServedRoute[] = []
  app.addHook('onRoute', ({ method, url, schema = {} }) => {
    for (const one of [method].flat().filter((name) => name !== 'HEAD')) {
      routes.push({
        method: one,
        ...placeOf(url, issuer),
        parameters: schemaIn(schema.params),
        query: schemaIn(schema.querystring),
        body: schemaIn(schema.body),
      })
    }
  })
  return routes
}

/**
 * The metadata of an issuer with a path has that behind its own (RFC 8414 section 3.1), and where passwords are changed
 * is asked at the root of the host.
 */
function placeOf(url: string, issuer: string): Pick<ServedRoute, 'path' | 'server'> {
  const { origin } = new URL(issuer)
  const prefix = pathAtIssuer(issuer, '/').slice(0, -1)
  return url.startsWith(`${prefix}/`)
    ? { path: url.slice(prefix.length) }
    : { path: url.endsWith(prefix) ? url.slice(0, -prefix.length) : url, server: origin }
}

function schemaIn(schema: unknown): ServedRoute['body'] {
  return typeof schema === 'object' && schema !== null ? { ...schema } : undefined
}
