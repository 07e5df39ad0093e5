import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, matchesGlob, relative } from 'node:path'
import type { Instruction } from 'dockerfile-ast'
import { DockerfileParser } from 'dockerfile-ast'
import { root } from '../source-tree.ts'

/** What an image of `deploy/Dockerfile` has, as far as it can be had without an engine. */
export interface Image {
  /** Stands for the folder `/app`. */
  readonly app: string
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  readonly healthcheck: readonly string[]
  readonly workingFolder: string
  readonly user: string
}

export interface Stage {
  readonly name: string
  readonly from: string
  readonly instructions: readonly Instruction[]
}

export function readStages(): ReadonlyMap<string, Stage> {
  const text = readFileSync(join(root, 'deploy', 'Dockerfile'), 'utf8')
  const stages = new Map<string, Stage>()
  let instructions: Instruction[] = []
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    if (instruction.getInstruction() === 'FROM') {
      const [from = '', , name = ''] = argumentsOf(instruction)
      instructions = []
      stages.set(name, { name, from, instructions })
    }
    instructions.push(instruction)
  }
  return stages
}

/**
 * Makes `/app` of an image: runs what the stage `build-NAME` runs, in a copy of what `.dockerignore` lets through and
 * of what was built, and copies what the image copies of it. `npm ci` and the build are what `npm run build` has done.
 */
export function makeImage(name: 'portcullis' | 'orders', parent: string): Image {
  const stages = readStages()
  const source = join(parent, `build-${name}`)
  copyContext(source)
  const runs = all(stages, `build-${name}`, 'RUN')
  assert.ok(runs.length >= 2)
  for (const run of runs) {
    const line = textOf(run)
    // It runs here, without walls around it.
    assert.doesNotMatch(line, /(?:^|[\s'"=])\/|\.\.|~|\$/, 'it must stay in its folder')
    execFileSync('sh', ['-c', line], { cwd: source, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  const app = join(parent, name, 'app')
  for (const copy of all(stages, name, 'COPY')) {
    const paths = argumentsOf(copy).filter((each) => !each.startsWith('--'))
    const target = paths.pop() ?? ''
    for (const path of paths) {
      const [, copied] = /^\/src\/(.+)$/.exec(path) ?? []
      assert.ok(copied !== undefined && target.startsWith('/app/'), textOf(copy))
      // The stage that makes it was not run.
      if (copied === 'portcullis.cdx.json') continue
      const file = target.endsWith('/') ? basename(copied) : ''
      const to = join(app, target.slice('/app/'.length), file)
      mkdirSync(dirname(to), { recursive: true })
      cpSync(join(source, copied), to, { recursive: true, verbatimSymlinks: true })
    }
  }
  return {
    app,
    entrypoint: jsonOf(stages, name, 'ENTRYPOINT'),
    command: jsonOf(stages, name, 'CMD'),
    healthcheck: jsonOf(stages, name, 'HEALTHCHECK'),
    workingFolder: argumentsOf(last(stages, 'base', 'WORKDIR'))[0] ?? '',
    user: argumentsOf(last(stages, 'base', 'USER'))[0] ?? '',
  }
}

export function argumentsOf(instruction: Instruction): string[] {
  return instruction.getArguments().map((argument) => argument.getValue())
}

/** What stands behind the name of an instruction, continued lines in one. */
export function textOf(instruction: Instruction): string {
  return (instruction.getArgumentsContent() ?? '').replaceAll(/\\\n/g, ' ')
}

function all(stages: ReadonlyMap<string, Stage>, name: string, kind: string): Instruction[] {
  const stage = stages.get(name)
  assert.ok(stage !== undefined, `there is no stage ${name}`)
  return stage.instructions.filter((each) => each.getInstruction() === kind)
}

function last(stages: ReadonlyMap<string, Stage>, name: string, kind: string): Instruction {
  const found = all(stages, name, kind).at(-1)
  assert.ok(found !== undefined, `${name} has no ${kind}`)
  return found
}

function jsonOf(stages: ReadonlyMap<string, Stage>, name: string, kind: string): string[] {
  const found = all(stages, name, kind).at(-1)
  return found === undefined ? [] : JSON.parse(/\[.*\]/s.exec(textOf(found))?.[0] ?? '[]')
}

/** `.dockerignore`: the last line that matches says whether a file is in. */
function copyContext(target: string): void {
  const lines = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  const [everything, ...others] = lines
  assert.equal(everything, '*')
  const named = others.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
  const left = others.filter((line) => !line.startsWith('!'))
  const isLeft = (path: string): boolean => left.some((line) => matchesGlob(path, line))
  assert.ok(named.length > 0)
  for (const path of globSync(named, { cwd: root })) {
    cpSync(join(root, path), join(target, path), {
      recursive: true,
      filter: (each) => !isLeft(relative(root, each)),
    })
  }
  // What the build would have made there.
  for (const path of globSync('packages/*/dist', { cwd: root })) {
    cpSync(join(root, path), join(target, path), { recursive: true })
  }
}
