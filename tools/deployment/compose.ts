import assert from 'node:assert/strict'
import { mkdirSync, chmodSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { parse } from 'yaml'
import type { Container } from './containers.ts'
import type { Image } from './image.ts'

interface ComposeService {
  readonly image: string
  readonly user?: string
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly configs?: readonly { readonly source: string; readonly target: string }[]
  readonly secrets?: readonly string[]
  readonly tmpfs?: readonly string[]
  readonly volumes?: readonly string[]
  readonly networks?: readonly string[] | Readonly<Record<string, Aliases>>
  readonly profiles?: readonly string[]
}

interface Aliases {
  readonly aliases?: readonly string[]
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly configs: Readonly<Record<string, { readonly file: string }>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
}

/** Reads a compose file as compose does, with the variables of the `.env` beside it. */
export function readCompose(
  path: string,
  variables: Readonly<Record<string, string>>,
): ComposeFile {
  const text = readFileSync(path, 'utf8').replaceAll(
    /\$\{(\w+)(?::\?[^}]*)?\}/g,
    (_, name: string) => {
      const value = variables[name]
      assert.ok(value !== undefined, `${name} is not set`)
      return value
    },
  )
  return parse(text, { merge: true }) as ComposeFile
}

export function readVariables(path: string): Readonly<Record<string, string>> {
  const lines = readFileSync(path, 'utf8').trim().split('\n')
  return Object.fromEntries(lines.map((line) => line.split('=', 2) as [string, string]))
}

/** One service as a container of an image that was made here. */
export function containerOf(
  path: string,
  { services, configs, secrets }: ComposeFile,
  name: string,
  image: Image,
  scratch: string,
): Container {
  const service = services[name]
  assert.ok(service !== undefined, `there is no service ${name}`)
  const beside = (file: string): string => (isAbsolute(file) ? file : resolve(dirname(path), file))
  const [uid, gid] = (service.user ?? image.user).split(':').map(Number)
  assert.ok(uid !== undefined && gid !== undefined && uid > 0, 'no container runs as root')
  const mounts = new Map([['/app', image.app]])
  for (const { source, target } of service.configs ?? []) {
    mounts.set(target, beside(fileOf(configs, source)))
  }
  for (const secret of service.secrets ?? []) {
    mounts.set(`/run/secrets/${secret}`, beside(fileOf(secrets, secret)))
  }
  for (const volume of service.volumes ?? []) {
    const [source = '', target = ''] = volume.split(':')
    mounts.set(target, beside(source))
  }
  for (const tmpfs of service.tmpfs ?? []) {
    const target = tmpfs.replace(/:.*/, '')
    const folder = join(scratch, name, 'tmpfs', target)
    mkdirSync(folder, { recursive: true })
    chmodSync(folder, 0o1777)
    mounts.set(target, folder)
  }
  const entrypoint = service.entrypoint ?? image.entrypoint
  const [program = '', ...parameters] = [...entrypoint, ...(service.command ?? image.command)]
  return {
    name,
    command: [program, ...parameters],
    environment: service.environment ?? {},
    mounts,
    workingFolder: image.workingFolder,
    user: { uid, gid },
  }
}

/** The names by which other containers know a service. */
export function namesOf(name: string, { networks = [] }: ComposeService): readonly string[] {
  const aliases = Array.isArray(networks)
    ? []
    : Object.values(networks as Readonly<Record<string, Aliases>>)
  return [name, ...aliases.flatMap((each) => each.aliases ?? [])]
}

function fileOf(files: Readonly<Record<string, { readonly file: string }>>, name: string): string {
  const found = files[name]
  assert.ok(found !== undefined, `${name} is not declared`)
  return found.file
}
