import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { caddy, howToGet, nginx } from '../../../tools/debian-packages.ts'
import type { ListeningProgram } from './listening-program.ts'
import { quietPort, startListening } from './listening-program.ts'

interface Ports {
  readonly gateway: number
  readonly service: number
}

/** A real proxy on loopback, with the file of `examples/forward-auth` and other ports. */
export type FrontProxy = ListeningProgram

export interface FrontProxyKind {
  readonly name: 'nginx' | 'caddy'
  /** Why its tests are skipped here; false where they run. */
  readonly skip: string | false
  readonly start: (ports: Ports) => Promise<FrontProxy>
}

const examples = new URL('../../../examples/forward-auth/', import.meta.url)

export const frontProxies: readonly FrontProxyKind[] = [
  { name: 'nginx', skip: nginx.find() === undefined && howToGet(nginx), start: startNginx },
  { name: 'caddy', skip: caddy.find() === undefined && howToGet(caddy), start: startCaddy },
]

/** Without a second process, which would be another user and could not write here. */
const nginxFrame = `
  daemon off;
  master_process off;
  pid nginx.pid;
  error_log stderr warn;
  events {}
  http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxied;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include portcullis.conf;
  }
`

async function startNginx(ports: Ports): Promise<FrontProxy> {
  const folder = newFolder()
  const port = await quietPort()
  const file = exampleWith('nginx.conf', ports, ['listen 8080;', `listen 127.0.0.1:${port};`])
  writeFileSync(join(folder, 'portcullis.conf'), file)
  writeFileSync(join(folder, 'nginx.conf'), nginxFrame)
  const program = nginx.find() ?? ''
  return startProxy(folder, port, program, ['-p', folder, '-e', 'stderr', '-c', 'nginx.conf'])
}

async function startCaddy(ports: Ports): Promise<FrontProxy> {
  const folder = newFolder()
  const port = await quietPort()
  const listen = `http://:${port} {\n\tbind 127.0.0.1`
  const file = exampleWith('Caddyfile', ports, [':8080 {', listen])
  const path = join(folder, 'Caddyfile')
  writeFileSync(path, `{\n\tadmin off\n}\n${file}`)
  const program = caddy.find() ?? ''
  return startProxy(folder, port, program, ['run', '--config', path, '--adapter', 'caddyfile'])
}

/** The file as it stands, with the ports of a test for its own. */
function exampleWith(name: string, { gateway, service }: Ports, listen: [string, string]): string {
  const pairs: readonly (readonly [string, string])[] = [
    ['127.0.0.1:4003', `127.0.0.1:${gateway}`],
    ['127.0.0.1:4001', `127.0.0.1:${service}`],
    listen,
  ]
  const text = readFileSync(new URL(name, examples), 'utf8')
  for (const [before] of pairs) {
    if (text.split(before).length !== 2) throw new Error(`${name} does not say ${before} once`)
  }
  // All at once: a new port may begin like an old one.
  const after = new Map(pairs)
  const pattern = pairs.map(([before]) => before.replaceAll('.', '\\.')).join('|')
  return text.replaceAll(new RegExp(pattern, 'g'), (before) => after.get(before) ?? '')
}

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'portcullis-proxy-'))
}

async function startProxy(
  folder: string,
  port: number,
  program: string,
  parameters: readonly string[],
): Promise<FrontProxy> {
  const env = { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  const { stop } = await startListening({ program, parameters, port, cwd: folder, env })
  return {
    port,
    stop: async () => {
      await stop()
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
