import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../tools/free-port.ts'
import type { DebianNeed } from '../../tools/debian-packages.ts'
import { caddy, haproxy, howToGet, installMissing, nginx } from '../../tools/debian-packages.ts'
import { commands } from './identity-server.ts'
import type { ProxiedServer } from './proxied-load.ts'
import type { ProxyTrust } from './proxy-trust.ts'
import type { ServerProcess } from './server-process.ts'
import { startServer } from './server-process.ts'

/** What stands between the load and the service. */
export interface ProxyWorld {
  /** For settings and output. */
  readonly folder: string
  readonly upstream: number
  readonly trust: ProxyTrust
}

export interface Proxy {
  readonly name: string
  /** Which of these it refuses: those who do not verify are here for what a proxy costs alone. */
  readonly refuses: 'nothing' | 'forged' | 'forged-and-revoked'
  /** A program that npm does not have. */
  readonly need?: DebianNeed
  readonly start: (world: ProxyWorld) => Promise<RunningProxy>
}

export interface RunningProxy extends ProxiedServer {
  readonly end: () => Promise<void>
}

/** Those that this machine has; the others are said, and where nothing may be left out, that is a mistake. */
export function proxiesHere(): readonly Proxy[] {
  installMissing([nginx, haproxy, caddy])
  return proxies.filter(({ name, need }) => {
    if (need === undefined || need.find() !== undefined) return true
    const missing = `${name}: ${howToGet(need)}`
    if (process.env['CI'] === 'true') throw new Error(missing)
    process.stderr.write(`LEFT OUT: ${missing}\n`)
    return false
  })
}

/** With 200 at `/open`, whatever the token. */
const proxies: readonly Proxy[] = [
  { name: 'ours', refuses: 'forged-and-revoked', start: startOurs },
  { name: 'nginx, no token looked at', refuses: 'nothing', need: nginx, start: startNginx },
  { name: 'nginx + auth_request', refuses: 'forged', need: nginx, start: startNginxAsking },
  { name: 'HAProxy + jwt_verify', refuses: 'forged', need: haproxy, start: startHaproxy },
  { name: 'Caddy, no token looked at', refuses: 'nothing', need: caddy, start: startCaddy },
  {
    name: '@fastify/http-proxy + fast-jwt',
    refuses: 'forged',
    start: (world) => startScript(world, 'fastify-proxy-process.ts'),
  },
  {
    name: '@fastify/http-proxy + fast-jwt with its cache',
    refuses: 'forged',
    start: (world) => startScript(world, 'fastify-proxy-process.ts', { cached: 20_000 }),
  },
  {
    name: 'http-proxy-middleware + jose',
    refuses: 'forged',
    start: (world) => startScript(world, 'middleware-proxy-process.ts'),
  },
]

/** Connections are kept for longer than anything takes here. */
const keepSeconds = 3_600
const trustName = 'trust.json'

async function startOurs({ folder, upstream, trust }: ProxyWorld): Promise<RunningProxy> {
  const port = await freePort()
  const operations = await freePort()
  const settings = {
    listen: { port },
    operations: { port: operations },
    issuer: trust.issuer,
    auth: { mode: 'required', audience: trust.audience },
    limits: { idleTimeoutSeconds: keepSeconds },
    routes: [{ match: '/orders/*', to: [originOf(upstream)] }],
  }
  writeFileSync(join(folder, 'gateway.json'), JSON.stringify(settings))
  const server = await startServer({
    parameters: [...commands.sources, 'gateway', '--config', 'gateway.json'],
    folder,
    port,
    readyUrl: `http://127.0.0.1:${operations}/health/ready`,
  })
  return runningOn(port, server)
}

async function startNginx(world: ProxyWorld): Promise<RunningProxy> {
  const port = await freePort()
  return runningOn(port, await nginxOn(port, world, '', ''))
}

/** What it asks belongs to it: both are counted. */
async function startNginxAsking(world: ProxyWorld): Promise<RunningProxy> {
  const port = await freePort()
  const asked = await freePort()
  const verifying = await startScript(world, 'fast-jwt-process.ts', { port: asked })
  const server = await nginxOn(
    port,
    world,
    `upstream verifier { server 127.0.0.1:${asked}; keepalive 64; keepalive_requests 1000000000; }`,
    `auth_request /_verify;
     location = /_verify {
       internal;
       proxy_pass http://verifier;
       proxy_pass_request_body off;
       proxy_set_header Content-Length "";
     }`,
  )
  const { cpuUs, end } = runningOn(port, server)
  return {
    port,
    cpuUs: () => cpuUs() + verifying.cpuUs(),
    end: async () => {
      await end()
      await verifying.end()
    },
  }
}

function nginxOn(
  port: number,
  { folder, upstream }: ProxyWorld,
  more: string,
  within: string,
): Promise<ServerProcess> {
  const name = `nginx-${port}.conf`
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${folder}/${kind}-${port};`)
    .join('\n')
  writeFileSync(
    join(folder, name),
    `daemon off;
    worker_processes 1;
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    pid ${folder}/nginx-${port}.pid;
    events { worker_connections 1024; }
    http {
      access_log ${folder}/nginx-${port}.log;
      ${temporary}
      keepalive_timeout ${keepSeconds}s;
      keepalive_requests 1000000000;
      upstream service { server 127.0.0.1:${upstream}; keepalive 64; keepalive_requests 1000000000; }
      ${more}
      server {
        listen 127.0.0.1:${port};
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        location = /open { auth_request off; return 200; }
        location / { proxy_pass http://service; }
        ${within}
      }
    }`,
  )
  return startServer({
    program: programOf(nginx),
    parameters: ['-e', 'stderr', '-c', join(folder, name)],
    folder,
    port,
    readyUrl: `${originOf(port)}/open`,
  })
}

async function startHaproxy({ folder, upstream, trust }: ProxyWorld): Promise<RunningProxy> {
  const port = await freePort()
  writeFileSync(join(folder, 'issuer.pem'), trust.key)
  writeFileSync(
    join(folder, 'haproxy.cfg'),
    `global
      nbthread 1
      log stdout format raw local0
defaults
      mode http
      log global
      option httplog
      timeout connect 5s
      timeout client ${keepSeconds}s
      timeout server ${keepSeconds}s
      timeout http-keep-alive ${keepSeconds}s
frontend entry
      bind 127.0.0.1:${port}
      http-request return status 200 if { path /open }
      http-request set-var(txn.bearer) http_auth_bearer
      http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
      http-request set-var(txn.iss) var(txn.bearer),jwt_payload_query('$.iss')
      http-request set-var(txn.aud) var(txn.bearer),jwt_payload_query('$.aud')
      http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
      http-request set-var(txn.now) date()
      http-request deny deny_status 401 unless { var(txn.alg) -m str RS256 }
      http-request deny deny_status 401 unless { var(txn.iss) -m str ${trust.issuer} }
      http-request deny deny_status 401 unless { var(txn.aud) -m str ${trust.audience} }
      http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
      http-request deny deny_status 401 unless { var(txn.bearer),jwt_verify(txn.alg,"issuer.pem") -m int 1 }
      default_backend service
backend service
      http-reuse always
      server one 127.0.0.1:${upstream}
`,
  )
  const server = await startServer({
    program: programOf(haproxy),
    parameters: ['-f', 'haproxy.cfg'],
    folder,
    port,
    readyUrl: `${originOf(port)}/open`,
  })
  return runningOn(port, server)
}

async function startCaddy({ folder, upstream }: ProxyWorld): Promise<RunningProxy> {
  const port = await freePort()
  writeFileSync(
    join(folder, 'Caddyfile'),
    `{
      admin off
      auto_https off
    }
    http://127.0.0.1:${port}, http://shop.example:${port} {
      log
      respond /open 200
      reverse_proxy 127.0.0.1:${upstream}
    }`,
  )
  const server = await startServer({
    program: programOf(caddy),
    parameters: ['run', '--config', 'Caddyfile', '--adapter', 'caddyfile'],
    folder,
    variables: { GOMAXPROCS: '1', HOME: folder },
    port,
    readyUrl: `${originOf(port)}/open`,
  })
  return runningOn(port, server)
}

async function startScript(
  { folder, upstream, trust }: ProxyWorld,
  name: string,
  chosen: { readonly port?: number; readonly cached?: number } = {},
): Promise<RunningProxy> {
  const port = chosen.port ?? (await freePort())
  writeFileSync(join(folder, trustName), JSON.stringify(trust))
  const file = fileURLToPath(new URL(name, import.meta.url))
  const tokensCached = String(chosen.cached ?? 0)
  const positionals = [String(port), originOf(upstream), trustName, tokensCached]
  const server = await startServer({
    parameters: [file, ...positionals],
    folder,
    port,
    readyUrl: `${originOf(port)}/open`,
  })
  return runningOn(port, server)
}

function runningOn(port: number, { cpuUs, stop }: ServerProcess): RunningProxy {
  return { port, cpuUs, end: stop }
}

function originOf(port: number): string {
  return `http://127.0.0.1:${port}`
}

function programOf(need: DebianNeed): string {
  const program = need.find()
  if (program === undefined) throw new Error(`missing: ${howToGet(need)}`)
  return program
}
