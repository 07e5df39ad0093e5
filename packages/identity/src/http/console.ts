import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { createProblem } from '@portcullis/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { matchesEtag } from './cacheable-document.ts'
import { takesGzip } from './content-codings.ts'
import { markup } from './pages/markup.ts'
import type { Page } from './pages/page.ts'
import { sendPage } from './pages/page.ts'
import type { PageParts } from './pages/pages.ts'
import type { Texts } from './pages/texts.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { sendProblem } from './problems.ts'
import type { HttpServer } from './server.ts'

/** Where `npm run build:console` puts it: in the package, beside `src` and beside `dist`. */
const folder = fileURLToPath(new URL('../../console', import.meta.url))

/** ASVS 3.4.3: its own files, its own calls, and nothing that a text could smuggle in. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

const contentTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

interface ConsoleFile {
  readonly content: Buffer
  readonly compressed: Buffer
  readonly etag: string
  readonly type: string
}

const fileParameters = {
  type: 'object',
  required: ['file'],
  properties: { file: { type: 'string' } },
} as const

/**
 * The console: a page that does everything by the API, as whoever is signed in by the cookie. Its files are few and
 * small and are read once; what is no key of that map cannot be asked for, however it is spelt.
 */
export function addConsole(app: HttpServer, parts: PageParts): void {
  const { issuer, texts } = parts
  const path = pathAtIssuer(issuer, '/console')
  let read: ReadonlyMap<string, ConsoleFile> | undefined
  const fileOf = (name: string): ConsoleFile | undefined => {
    // Not kept while it is missing: somebody may be building it.
    if (read === undefined || read.size === 0) read = readConsole()
    return read.get(name)
  }
  const config = { requestHeaders: ['if-none-match'] }

  app.get(path, (_request, reply) => reply.redirect(`${path}/`, 308))
  app.get(`${path}/`, { config }, (request, reply) => {
    const page = fileOf('index.html')
    if (page === undefined) {
      return sendPage(reply, 503, notBuilt(texts), { issuer, language: texts.language })
    }
    reply.header('content-security-policy', contentSecurityPolicy)
    return sendFile(request, reply, page, 'no-cache')
  })
  const ofFile = { config, schema: { params: fileParameters } }
  app.get(`${path}/assets/:file`, ofFile, (request, reply) => {
    const file = fileOf(`assets/${request.params.file}`)
    if (file === undefined) return sendProblem(reply, createProblem('not-found'))
    // Its name changes with its content.
    return sendFile(request, reply, file, 'public, max-age=31536000, immutable')
  })
}

function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  { content, compressed, etag, type }: ConsoleFile,
  cacheControl: string,
): FastifyReply {
  reply.headers({ 'cache-control': cacheControl, etag, vary: 'accept-encoding' })
  if (matchesEtag(request.headers['if-none-match'], etag)) return reply.code(304).send()
  reply.type(type)
  if (!takesGzip(request.headers['accept-encoding'])) return reply.send(content)
  return reply.header('content-encoding', 'gzip').send(compressed)
}

function readConsole(): ReadonlyMap<string, ConsoleFile> {
  if (!existsSync(folder)) return new Map()
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return new Map(
    names.flatMap((name) => {
      const type = contentTypes[extname(name)]
      if (type === undefined) return []
      const content = readFileSync(join(folder, name))
      const etag = `"${createHash('sha256').update(content).digest('base64url')}"`
      return [[name.replaceAll('\\', '/'), { content, compressed: gzipSync(content), etag, type }]]
    }),
  )
}

/** For whoever runs it from its sources. */
export function notBuilt({ console: say }: Texts): Page {
  return {
    title: say.notBuiltTitle,
    body: markup`<p>${say.notBuilt}</p>
<p><code>npm run build:console</code></p>`,
  }
}
