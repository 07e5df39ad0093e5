import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { randomInt } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { caddy, howToGet, nginx } from '../../../tools/debian-packages.ts'

/** A real proxy on loopback, with the file of `examples/forward-auth` and other ports. */
export interface FrontProxy {
  readonly port: number
  readonly stop: () => Promise<void>
}

interface Ports {
  readonly gateway: number
  readonly service: number
}

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

/**
 * One below those that systems give to whoever asks for any: nobody takes it before the process that is told it,
 * and nobody else answers there when that process is away.
 */
export async function quietPort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = randomInt(10_000, 30_000)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('listening', () => resolve(true))
      server.once('error', () => resolve(false))
    })
    if (!isFree) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
  throw new Error('no port is free')
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
  const child = spawn(program, parameters, {
    cwd: folder,
    env: { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const said: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text))
  await untilListening(child, port, () => said.join(''))
  return {
    port,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit')
        child.kill('SIGKILL')
        await ended
      }
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

export async function untilListening(
  child: ChildProcess,
  port: number,
  said: () => string,
): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (child.exitCode !== null) throw new Error(`the proxy ended: ${said()}`)
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    socket.destroy()
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  child.kill('SIGKILL')
  throw new Error(`the proxy does not listen: ${said()}`)
}
