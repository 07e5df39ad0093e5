import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import process from 'node:process'

/** Something that tests need and npm does not have: programs, and how Debian calls what they come in. */
export interface DebianNeed {
  /** What is tested with it, for whoever lacks it. */
  readonly what: string
  readonly packages: readonly string[]
  /** The program, or undefined where this machine lacks it or a part of it. */
  readonly find: () => string | undefined
}

/** Python with what `examples/python-follower` imports. Debian's own, which has those as packages, goes first. */
export const python: DebianNeed = {
  what: 'the follower of the feed in Python',
  packages: ['python3', 'python3-cryptography', 'python3-jwt'],
  find: () =>
    ['/usr/bin/python3', 'python3'].find(
      (program) => spawnSync(program, ['-c', 'import cryptography, jwt']).status === 0,
    ),
}

/** Where Debian puts it is not on everybody's path. */
export const natsServer: DebianNeed = {
  what: 'everything over NATS JetStream',
  packages: ['nats-server'],
  find: () =>
    ['nats-server', '/usr/sbin/nats-server'].find(
      (program) => spawnSync(program, ['--version']).status === 0,
    ),
}

/** Without a running systemd it still reads unit files. */
export const systemd: DebianNeed = {
  what: 'whether systemd takes the units of a deployment',
  packages: ['systemd'],
  find: () =>
    spawnSync('systemd-analyze', ['--version']).status === 0 ? 'systemd-analyze' : undefined,
}

export const openssl: DebianNeed = {
  what: 'the secrets of a deployment',
  packages: ['openssl'],
  find: () => (spawnSync('openssl', ['version']).status === 0 ? 'openssl' : undefined),
}

/** Debian's `nginx` has the module by which it asks. */
export const nginx: DebianNeed = {
  what: 'forward-auth by nginx',
  packages: ['nginx'],
  find: () =>
    ['nginx', '/usr/sbin/nginx'].find((program) =>
      spawnSync(program, ['-V'], { encoding: 'utf8' }).stderr?.includes('http_auth_request_module'),
    ),
}

export const caddy: DebianNeed = {
  what: 'forward-auth by Caddy',
  packages: ['caddy'],
  find: () =>
    ['caddy', '/usr/bin/caddy'].find((program) => spawnSync(program, ['version']).status === 0),
}

export const haproxy: DebianNeed = {
  what: 'HAProxy beside the gateway',
  packages: ['haproxy'],
  find: () =>
    ['haproxy', '/usr/sbin/haproxy'].find((program) => spawnSync(program, ['-v']).status === 0),
}

/** Another one, such as Chrome, by `CHROME_PATH`. */
export const chromium: DebianNeed = {
  what: 'pages in a real browser',
  packages: ['chromium'],
  find: () =>
    [process.env['CHROME_PATH'], '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
      (program) => program !== undefined && spawnSync(program, ['--version']).status === 0,
    ),
}

/** It comes with Prometheus, which nothing here starts. */
export const promtool: DebianNeed = {
  what: 'the alert rules of Prometheus',
  packages: ['prometheus'],
  find: () => (spawnSync('promtool', ['--version']).status === 0 ? 'promtool' : undefined),
}

export const go: DebianNeed = {
  what: 'the service behind forward-auth in Go',
  packages: ['golang-go'],
  find: () => (spawnSync('go', ['version']).status === 0 ? 'go' : undefined),
}

/** Where Debian puts what `examples/forward-auth/java` reads JSON with. */
export const gsonJar = '/usr/share/java/gson.jar'

export const java: DebianNeed = {
  what: 'the service behind forward-auth in Java',
  packages: ['default-jdk-headless', 'libgoogle-gson-java'],
  find: () =>
    spawnSync('javac', ['-version']).status === 0 && existsSync(gsonJar) ? 'java' : undefined,
}

/** What to say about it where it is missing. */
export function howToGet({ what, packages }: DebianNeed): string {
  return `${what}: apt-get install --no-install-recommends ${packages.join(' ')}`
}

/** Installs what is missing, where that is allowed: root's own machine, and a run that may leave nothing out. */
export function installMissing(needs: readonly DebianNeed[]): void {
  const missing = needs.filter(({ find }) => find() === undefined)
  if (missing.length === 0 || process.env['CI'] !== 'true' || process.getuid?.() !== 0) return
  const packages = missing.flatMap((need) => need.packages)
  aptGet('update')
  aptGet('install', '-y', '--no-install-recommends', ...packages)
}

/** It says itself what is wrong, and what is still missing then is left out by name. */
function aptGet(...parameters: readonly string[]): void {
  spawnSync('apt-get', ['-q', ...parameters], {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 300_000,
  })
}
