import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { natsServer } from '../debian-packages.ts'
import type { PostgresServer } from '../postgres-server.ts'
import { root } from '../source-tree.ts'
import type { Container, Surroundings } from './containers.ts'
import { collect, makeSurroundings, startContainer, stopContainer } from './containers.ts'
import { documentedLines } from './documented-lines.ts'
import type { Image } from './image.ts'
import type { Workload } from './kubernetes.ts'
import { canStart, podOf, readWorkloads, readyUrl } from './kubernetes.ts'
import type { KubectlState } from './pretend-kubectl.ts'

const execute = promisify(execFile)

const readySecondsMax = 40

interface Cluster {
  readonly images: Readonly<Record<'portcullis' | 'orders', Image>>
  readonly folder: string
  readonly surroundings: Surroundings
  /** Addresses of the pods of a workload. */
  readonly addresses: ReadonlyMap<string, readonly string[]>
  readonly secrets: Map<string, ReadonlyMap<string, string>>
  readonly pods: Map<string, { readonly child: ChildProcess; readonly errors: () => string }>
  isApplied: boolean
}

/** The lines of `docs/deployment.md` about Kubernetes, with processes for pods, and then a login. */
export async function checkKubernetes(
  images: Cluster['images'],
  postgres: PostgresServer,
  parent: string,
): Promise<void> {
  const cluster = makeCluster(images, parent)
  try {
    const [lines = []] = documentedLines('Kubernetes')
    for (const line of lines) await carryOut(cluster, line, postgres)
    await signIn(cluster)
    const codes = [...cluster.pods].filter(([name]) => !name.startsWith('nats'))
    for (const [name, { child, errors }] of codes) {
      assert.equal(await stopContainer(child), 0, `${name}: ${errors()}`)
    }
    process.stdout.write(`kubernetes: ${lines.length} lines, ${cluster.pods.size} pods\n`)
  } catch (error) {
    for (const [name, { errors }] of cluster.pods) process.stderr.write(`${name}: ${errors()}\n`)
    throw error
  } finally {
    for (const { child } of cluster.pods.values()) child.kill('SIGKILL')
  }
}

function makeCluster(images: Cluster['images'], parent: string): Cluster {
  const folder = join(parent, 'operator')
  cpSync(join(root, 'deploy'), join(folder, 'deploy'), { recursive: true })
  const net = `127.${1 + (process.pid % 250)}.${1 + (Math.floor(process.pid / 250) % 250)}`
  const addresses = new Map(
    readWorkloads().map(({ metadata, spec }, place) => [
      metadata.name,
      Array.from({ length: spec.replicas }, (_, replica) => `${net}.${100 + place * 10 + replica}`),
    ]),
  )
  const names: Record<string, readonly string[]> = {}
  for (const [name, each] of addresses) {
    names[name] = each
    names[`${name}.portcullis.svc`] = each
  }
  assert.equal(names['identity.portcullis.svc']?.length, 2)
  return {
    images,
    folder,
    surroundings: makeSurroundings(names, parent),
    addresses,
    secrets: new Map(),
    pods: new Map(),
    isApplied: false,
  }
}

async function carryOut(cluster: Cluster, line: string, postgres: PostgresServer): Promise<void> {
  const [, secret, files = ''] =
    /^kubectl create secret (?:generic|tls) (\S+)(.*)$/.exec(line) ?? []
  const [, awaited] = /^kubectl rollout status deployment\/(\w+)$/.exec(line) ?? []
  if (secret !== undefined) cluster.secrets.set(secret, secretOf(cluster, files))
  else if (line === 'kubectl apply --kustomize deploy/kubernetes') cluster.isApplied = true
  else if (awaited !== undefined) await untilReady(cluster, awaited)
  else if (/^kubectl (?:apply --filename|config) /.test(line)) return
  else await paste(cluster, line)
  if (line.includes('make-secrets.sh')) {
    const path = join(cluster.folder, 'secrets', 'database-url')
    assert.match(
      readFileSync(path, 'utf8'),
      /@postgres\.portcullis\.svc\/portcullis\?sslmode=verify-full\n$/,
    )
    writeFileSync(path, postgres.url)
  }
  if (cluster.isApplied) startWhatCan(cluster)
}

/** `--from-file=secrets/a` is the key `a`; of a TLS secret the keys are `tls.crt` and `tls.key`. */
function secretOf({ folder }: Cluster, options: string): ReadonlyMap<string, string> {
  const given = [...options.matchAll(/--(from-file|cert|key)=(\S+)/g)]
  assert.ok(given.length > 0)
  const keys: Readonly<Record<string, string>> = { cert: 'tls.crt', key: 'tls.key' }
  return new Map(
    given.map(([, option = '', path = '']) => [keys[option] ?? basename(path), join(folder, path)]),
  )
}

function startWhatCan(cluster: Cluster): void {
  for (const workload of readWorkloads()) {
    const { name } = workload.metadata
    // It runs already, and is not the one of the manifests.
    if (name === 'postgres' || !canStart(workload, cluster.secrets)) continue
    for (const [replica, address] of (cluster.addresses.get(name) ?? []).entries()) {
      const pod = `${name}-${replica}`
      if (cluster.pods.has(pod)) continue
      const child = startContainer(describe(cluster, workload, pod), address, cluster.surroundings)
      cluster.pods.set(pod, { child, errors: collect(child).errors })
    }
  }
}

function describe(
  { images, secrets, surroundings, addresses }: Cluster,
  workload: Workload,
  pod: string,
): Container {
  const { name } = workload.metadata
  const described = (image: Image): Container =>
    podOf(workload, pod, image, secrets, surroundings.folder)
  if (name === 'orders') return described(images.orders)
  if (name !== 'nats') return described(images.portcullis)
  const nats = described({ ...images.portcullis, entrypoint: [natsServer.find() ?? ''] })
  return { ...nats, command: [...nats.command, '-a', addresses.get(name)?.[0] ?? ''] }
}

/** As the kubelet asks. */
async function untilReady(cluster: Cluster, name: string): Promise<void> {
  const workload = readWorkloads().find(({ metadata }) => metadata.name === name)
  assert.ok(workload !== undefined)
  for (const [replica, address] of (cluster.addresses.get(name) ?? []).entries()) {
    const url = readyUrl(workload, address)
    assert.ok(url !== undefined)
    const deadline = performance.now() + readySecondsMax * 1000
    for (;;) {
      const isReady = await fetch(url).then(
        ({ ok }) => ok,
        () => false,
      )
      if (isReady) break
      const { child } = cluster.pods.get(`${name}-${replica}`) ?? {}
      assert.ok(child?.exitCode === null, `${name} ended`)
      assert.ok(performance.now() < deadline, `${url} is not ready`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

/** A line in a shell, in which `kubectl exec` is ours. */
async function paste(cluster: Cluster, line: string): Promise<string> {
  const programs = join(cluster.surroundings.folder, 'bin')
  mkdirSync(programs, { recursive: true })
  const stateFile = join(programs, 'state.json')
  if (cluster.pods.has('identity-0')) writeFileSync(stateFile, JSON.stringify(stateOf(cluster)))
  const kubectl = fileURLToPath(new URL('pretend-kubectl.ts', import.meta.url))
  const script = `#!/bin/sh\nexec '${process.execPath}' '${kubectl}' "$@"\n`
  writeFileSync(join(programs, 'kubectl'), script, { mode: 0o755 })
  // The script that makes the users of NATS is run in a checkout.
  const inCheckout = line.replace(
    'deploy/make-nats-users.mjs',
    join(root, 'deploy/make-nats-users.mjs'),
  )
  const { stdout } = await execute('sh', ['-c', inCheckout], {
    cwd: cluster.folder,
    timeout: 60_000,
    env: {
      ...process.env,
      PRETEND_KUBECTL: stateFile,
      PATH: `${programs}:${process.env['PATH'] ?? ''}`,
    },
  })
  return stdout
}

function stateOf(cluster: Cluster): KubectlState {
  const workload = readWorkloads().find(({ metadata }) => metadata.name === 'identity')
  assert.ok(workload !== undefined)
  const { mounts, ...pod } = describe(cluster, workload, 'identity-0')
  const address = cluster.addresses.get('identity')?.[0] ?? ''
  return { pod, mounts: [...mounts], surroundings: cluster.surroundings, address }
}

/** The administrator signs in, and each gateway knows who he is. */
async function signIn(cluster: Cluster): Promise<void> {
  const [identity = ''] = cluster.addresses.get('identity') ?? []
  const to = `--cacert secrets/ca.pem --connect-to identity.portcullis.svc:4000:${identity}:4000`
  const json = `-H 'content-type: application/json'`
  const { accounts } = JSON.parse(readFileSync(join(cluster.folder, 'secrets/admin.json'), 'utf8'))
  const { identifier, password } = accounts[0]
  writeFileSync(join(cluster.folder, 'login.json'), JSON.stringify({ identifier, password }))
  const login = `curl -fsS ${to} https://identity.portcullis.svc:4000/login ${json} -d @login.json`
  const { access_token: token } = JSON.parse(await paste(cluster, login))
  const gateways = cluster.addresses.get('gateway') ?? []
  assert.equal(gateways.length, 2)
  for (const address of gateways) {
    const unknown = await fetch(`http://${address}:4003/orders`)
    assert.equal(unknown.status, 401)
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(`http://${address}:4003/orders`, { headers })
    // Whoever administers accounts is no customer: the token is good, and has no right here.
    assert.equal(answer.status, 403, await answer.text())
  }
}
