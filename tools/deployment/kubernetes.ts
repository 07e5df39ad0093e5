import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { parse, parseAllDocuments } from 'yaml'
import { root } from '../source-tree.ts'
import type { Container } from './containers.ts'
import type { Image } from './image.ts'

const folder = join(root, 'deploy', 'kubernetes')

/** A Deployment or a StatefulSet, as far as it says what runs. */
export interface Workload {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: { readonly replicas: number; readonly template: { readonly spec: PodSpec } }
}

interface PodSpec {
  readonly securityContext: { readonly runAsUser: number; readonly runAsGroup?: number }
  readonly containers: readonly PodContainer[]
  readonly volumes: readonly Volume[]
}

interface PodContainer {
  readonly image: string
  readonly args?: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value: string }[]
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
  readonly readinessProbe: {
    readonly httpGet?: { readonly path: string; readonly port: string }
  }
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
}

interface Volume {
  readonly name: string
  readonly configMap?: { readonly name: string }
  readonly secret?: { readonly secretName: string }
  readonly emptyDir?: object
}

interface Kustomization {
  readonly resources: readonly string[]
  readonly configMapGenerator: readonly { readonly name: string; readonly files: string[] }[]
}

/** Files by the key that they have in a Secret, by the name of the Secret. */
export type Secrets = ReadonlyMap<string, ReadonlyMap<string, string>>

function readKustomization(): Kustomization {
  return parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8'))
}

export function readWorkloads(): readonly Workload[] {
  return readKustomization()
    .resources.flatMap((name) =>
      parseAllDocuments(readFileSync(join(folder, name), 'utf8')).map((document): Workload =>
        document.toJS(),
      ),
    )
    .filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')
}

/** Whether all Secrets are there that its pods mount; before, none of them starts. */
export function canStart({ spec }: Workload, secrets: Secrets): boolean {
  return spec.template.spec.volumes.every(
    ({ secret }) => secret === undefined || secrets.has(secret.secretName),
  )
}

/** The container of one pod. */
export function podOf(
  { spec }: Workload,
  name: string,
  image: Image,
  secrets: Secrets,
  scratch: string,
): Container {
  const { securityContext, containers, volumes } = spec.template.spec
  const [container, ...others] = containers
  assert.ok(container !== undefined && others.length === 0)
  const uid = securityContext.runAsUser
  const gid = securityContext.runAsGroup ?? uid
  const mounts = new Map([['/app', image.app]])
  for (const { name: volumeName, mountPath } of container.volumeMounts) {
    const volume = volumes.find((each) => each.name === volumeName)
    assert.ok(volume !== undefined, volumeName)
    for (const [path, source] of mounted(volume, mountPath, secrets, join(scratch, name))) {
      mounts.set(path, source)
      if (volume.configMap === undefined) giveToGroup(source, gid)
    }
  }
  const [program = '', ...parameters] = [...image.entrypoint, ...(container.args ?? [])]
  return {
    name,
    command: [program, ...parameters],
    environment: Object.fromEntries((container.env ?? []).map((each) => [each.name, each.value])),
    mounts,
    workingFolder: image.workingFolder,
    user: { uid, gid },
  }
}

/** Where the kubelet asks whether a pod is ready; nowhere when it only connects. */
export function readyUrl({ spec }: Workload, address: string): string | undefined {
  const [container] = spec.template.spec.containers
  const probe = container?.readinessProbe.httpGet
  if (probe === undefined) return undefined
  const port = container?.ports.find(({ name }) => name === probe.port)?.containerPort
  assert.ok(port !== undefined, `there is no port ${probe.port}`)
  return `http://${address}:${port}${probe.path}`
}

function mounted(
  { configMap, secret, emptyDir }: Volume,
  mountPath: string,
  secrets: Secrets,
  scratch: string,
): readonly (readonly [string, string])[] {
  if (configMap !== undefined) {
    const found = readKustomization().configMapGenerator.find(({ name }) => name === configMap.name)
    assert.ok(found !== undefined, `there is no ConfigMap ${configMap.name}`)
    return found.files.map((file) => [`${mountPath}/${file}`, join(folder, file)])
  }
  if (secret !== undefined) {
    const found = secrets.get(secret.secretName)
    assert.ok(found !== undefined, `there is no Secret ${secret.secretName}`)
    const copies = join(scratch, 'secrets', secret.secretName)
    mkdirSync(copies, { recursive: true })
    return [...found].map(([key, file]) => {
      const copy = join(copies, key)
      rmSync(copy, { force: true })
      copyFileSync(file, copy)
      return [`${mountPath}/${key}`, copy]
    })
  }
  assert.ok(emptyDir !== undefined)
  const made = join(scratch, 'volumes', mountPath)
  mkdirSync(made, { recursive: true })
  return [[mountPath, made]]
}

/** As the kubelet does with `fsGroup`: the group of the pod may read a Secret, and write an empty folder. */
function giveToGroup(path: string, gid: number): void {
  chmodSync(path, statSync(path).isDirectory() ? 0o770 : 0o440)
  if (process.getuid?.() === 0) chownSync(path, 0, gid)
}
