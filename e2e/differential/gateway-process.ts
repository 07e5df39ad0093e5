import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { newFolder, removeFolder } from '../running-system.ts'
import type { Mutant } from '../simulation/mutants.ts'

const cli = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))
const breaking = new URL('../simulation/breaking.ts', import.meta.url).href

export interface GatewayProcess {
  readonly port: number
  /** What it has said to standard error, and how it has ended if it has. */
  readonly trouble: () => string
  readonly stop: () => Promise<void>
}

/** `portcullis gateway` with this file, and with one rule broken where a mutant is given. */
export async function startGatewayProcess(
  file: Readonly<Record<string, unknown>>,
  mutant: Pick<Mutant, 'file' | 'changes'> | undefined,
): Promise<GatewayProcess> {
  const folder = newFolder()
  writeFileSync(join(folder, 'portcullis.gateway.json'), JSON.stringify(file))
  const flags = [
    '--conditions=@portcullis/source',
    ...(mutant === undefined ? [] : ['--import', breaking]),
  ]
  const child = spawn(process.execPath, [...flags, cli, 'gateway'], {
    cwd: folder,
    env: { ...process.env, PORTCULLIS_MUTANT: JSON.stringify(mutant ?? {}) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  child.once('exit', (code, signal) => (errors += `it has ended: ${code ?? signal}\n`))
  const ended = once(child, 'close')
  const lines = createInterface(child.stdout)
  for await (const line of lines) {
    const [, port] = /"port":(\d+),.*"gateway listens"/.exec(line) ?? []
    if (port === undefined) continue
    // Its access log: read so that it goes on, and not kept.
    child.stdout.on('data', () => undefined).resume()
    return {
      port: Number(port),
      trouble: () => errors,
      stop: async () => {
        child.kill('SIGKILL')
        await ended
        removeFolder(folder)
      },
    }
  }
  await ended
  removeFolder(folder)
  throw new Error(`the gateway has not started: ${errors}`)
}
