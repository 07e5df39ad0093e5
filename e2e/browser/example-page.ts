import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { freePort } from '../../tools/free-port.ts'
import { root } from '../../tools/source-tree.ts'
import type { CommandRun, RunningSystem } from '../running-system.ts'
import { runPortcullis } from '../running-system.ts'
import { untilAnswered } from '../until-answered.ts'

/** The page of `examples/browser` behind a gateway of its own, before the services of `npm start`. */
export interface ExamplePage {
  readonly url: string
  readonly port: number
  /** SIGKILL, and a new process with the same file. */
  readonly killGateway: () => Promise<void>
  readonly close: () => Promise<void>
}

interface ExampleFile {
  readonly listen: object
  readonly routes: readonly { readonly match: string }[]
}

const example = join(root, 'examples', 'browser')

/** `listen`: members beside those of the file. */
export async function startExamplePage(
  { folder, endpoints }: RunningSystem,
  listen: object = {},
): Promise<ExamplePage> {
  const page = await serve(answerFile)
  const [port, operationsPort] = [await freePort(), await freePort()]
  const config = join(folder, `gateway-${port}.json`)
  const file = JSON.parse(
    readFileSync(join(example, 'portcullis.gateway.json'), 'utf8'),
  ) as ExampleFile
  const changed = {
    ...file,
    listen: { ...file.listen, port, ...listen },
    operations: { port: operationsPort },
    issuer: endpoints.identity,
    routes: file.routes.map((route) => ({
      ...route,
      to: [route.match === '/*' ? page.origin : endpoints.orders],
    })),
  }
  writeFileSync(config, JSON.stringify(changed))
  const run = async (): Promise<CommandRun> => {
    const started = runPortcullis(['gateway', '--config', config], { folder })
    await untilAnswered(`http://127.0.0.1:${operationsPort}/health/ready`)
    return started
  }
  let gateway = await run()
  return {
    url: `${'tls' in listen ? 'https' : 'http'}://localhost:${port}`,
    port,
    killGateway: async () => {
      await kill(gateway)
      gateway = await run()
    },
    close: async () => {
      await kill(gateway)
      page.close()
    },
  }
}

async function kill({ child, ended }: CommandRun): Promise<void> {
  child.kill('SIGKILL')
  await ended
}

export interface Served {
  readonly origin: string
  readonly close: () => void
}

export async function serve(listener: RequestListener): Promise<Served> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

const files: ReadonlyMap<string | undefined, readonly [name: string, type: string]> = new Map([
  ['/', ['index.html', 'text/html; charset=utf-8'] as const],
  ['/app.js', ['app.js', 'text/javascript; charset=utf-8'] as const],
])

const answerFile: RequestListener = ({ url }, response) => {
  const [name, type] = files.get(url) ?? []
  if (name === undefined) return void response.writeHead(404).end()
  const text = readFileSync(join(example, 'page', name))
  response.writeHead(200, { 'content-type': type }).end(text)
}
