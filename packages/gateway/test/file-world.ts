import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createLog } from '@portcullis/runtime'
import { createChosenRepeat } from '../../runtime/test/chosen-repeat.ts'
import { keepLines } from '../../runtime/test/kept-lines.ts'
import type { GatewayFromFile, GatewayFromFileOptions } from '../src/index.ts'
import { startGatewayFromFile } from '../src/index.ts'

export interface FileWorld {
  readonly gateway: GatewayFromFile
  /** The folder of the file, and the file. */
  readonly folder: string
  readonly path: string
  readonly write: (members: object) => void
  /** Lets the gateway look at its file once, and waits until it has. */
  readonly tick: () => Promise<void>
  readonly log: () => string
  /** What Prometheus reads. */
  readonly metrics: () => Promise<string>
  /** The warnings at `/health/ready`. */
  readonly warnings: () => Promise<unknown>
}

/** A gateway that is started by a file, which it looks at when the test says so. */
export async function startFileWorld(
  t: TestContext,
  first: object,
  options: Pick<GatewayFromFileOptions, 'now'> = {},
): Promise<FileWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-gateway-'))
  const path = join(folder, 'gateway.json')
  const write = (members: object): void => {
    const file = { listen: { port: 0 }, operations: { port: 0 }, issuer: 'https://id.example' }
    writeFileSync(path, JSON.stringify({ ...file, ...members }))
  }
  write(first)
  const lines: string[] = []
  const log = createLog({
    name: 'gateway',
    level: 'trace',
    destination: keepLines(lines),
  })
  const { repeat, step } = createChosenRepeat()
  const gateway = await startGatewayFromFile(path, {
    ...options,
    log,
    repeat,
  })
  t.after(async () => {
    await gateway.close()
    rmSync(folder, { recursive: true })
  })
  return {
    gateway,
    folder,
    path,
    write,
    tick: step,
    log: () => lines.join(''),
    metrics: async () => (await fetch(`http://127.0.0.1:${gateway.operationsPort}/metrics`)).text(),
    warnings: async () => {
      const address = `http://127.0.0.1:${gateway.operationsPort}/health/ready`
      const body = (await (await fetch(address)).json()) as { readonly warnings?: unknown }
      return body.warnings
    },
  }
}

/** A route for everybody. */
export function open(match: string, to: readonly string[], members: object = {}): object {
  return { match, to, auth: { mode: 'none' }, ...members }
}
