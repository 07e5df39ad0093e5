import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { freePortRow } from './free-port.ts'
import type { PackedPackage } from './packed-packages.ts'
import { root } from './source-tree.ts'

const execute = promisify(execFile)

const commandsMax = 5
const secondsMax = 120
const listeningSecondsMax = 30
/** Of a development system, in a row. */
const documentedPorts = [4000, 4001, 4002, 4003, 4004] as const

/**
 * Does what `docs/quickstart.md` says, word by word but for the ports and where the tarballs are, in an empty
 * folder. Answers the seconds from the first command to the answer of the service.
 */
export async function runQuickstart(packed: readonly PackedPackage[]): Promise<number> {
  const [first] = packed
  assert.ok(first !== undefined)
  // Not in the folder of the tarballs: npm would install into the next one above that has a package.json.
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-quickstart-'))
  const base = await freePortRow(documentedPorts.length)
  const inThisRun = (text: string): string =>
    documentedPorts
      .reduce((moved, port, place) => moved.replaceAll(`${port}`, `${base + place}`), text)
      .replaceAll('/tmp/portcullis/', `${dirname(first.tarball)}/`)
  const { service, commands } = readDocument()
  writeFileSync(join(folder, 'service.mjs'), inThisRun(service))
  const [install, dev, start, signIn, ask] = commands.map(inThisRun)

  const startedAt = performance.now()
  const terminals: ChildProcess[] = []
  try {
    await paste(install, folder)
    const system = openTerminal(dev, folder, { PORTCULLIS_PORT_BASE: String(base) })
    terminals.push(system)
    await untilSaid(system, 'Portcullis is ready.')
    terminals.push(openTerminal(start, folder))
    await untilListening(base + 1)
    await paste(signIn, folder)
    const answer = JSON.parse(await paste(ask, folder)) as Readonly<Record<string, unknown>>
    const seconds = (performance.now() - startedAt) / 1000

    assert.deepEqual(answer['orders'], [])
    assert.match(String(answer['of']), /^[\w-]{20,}$/)
    for (const port of [base + 1, base + 3]) {
      const { status } = await fetch(`http://localhost:${port}/orders`)
      assert.equal(status, 401, `port ${port} answers who shows nothing`)
    }
    await assertConsole(base)
    assert.ok(seconds < secondsMax, `it took ${seconds} s`)
    return seconds
  } finally {
    await Promise.all(terminals.toReversed().map(closeTerminal))
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** It is built into the tarball of identity, with the licenses of what it is made of. */
async function assertConsole(port: number): Promise<void> {
  const page = await fetch(`http://localhost:${port}/console/`)
  assert.equal(page.status, 200, 'the console is served')
  const [, script = ''] = /<script [^>]*src="\.\/([^"]+)"/.exec(await page.text()) ?? []
  const { status, headers } = await fetch(`http://localhost:${port}/console/${script}`)
  assert.equal(status, 200, `its script is served: ${script}`)
  assert.match(headers.get('content-type') ?? '', /^text\/javascript/)
}

/** The commands under the heading that counts them, and the one file that is saved before. */
function readDocument(): { readonly service: string; readonly commands: readonly string[] } {
  const text = readFileSync(join(root, 'docs', 'quickstart.md'), 'utf8')
  const [, section = ''] = /^## Five commands\n(.*?)^## /ms.exec(text) ?? []
  const blocks = [...section.matchAll(/^```(sh|ts)\n(.*?)^```$/gms)]
  const [service = '', ...others] = blocks.filter(([, kind]) => kind === 'ts').map(bodyOf)
  assert.ok(service !== '' && others.length === 0, 'there must be one service')
  const commands = blocks
    .filter(([, kind]) => kind === 'sh')
    .flatMap((block) => bodyOf(block).trim().split('\n'))
  assert.equal(commands.length, commandsMax, commands.join('\n'))
  return { service, commands }
}

function bodyOf([, , body = '']: RegExpExecArray): string {
  return body
}

async function paste(line: string | undefined, folder: string): Promise<string> {
  assert.ok(line !== undefined)
  const { stdout } = await execute('sh', ['-c', line], { cwd: folder, timeout: secondsMax * 1000 })
  return stdout
}

/** A process group of its own, which a terminal ends as a whole. */
function openTerminal(
  line: string | undefined,
  folder: string,
  variables: Readonly<Record<string, string>> = {},
): ChildProcess {
  assert.ok(line !== undefined)
  return spawn('sh', ['-c', line], {
    cwd: folder,
    env: { ...process.env, ...variables },
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

async function closeTerminal(terminal: ChildProcess): Promise<void> {
  const { pid, exitCode, signalCode } = terminal
  if (pid === undefined || exitCode !== null || signalCode !== null) return
  const ended = once(terminal, 'exit')
  process.kill(-pid, 'SIGINT')
  await ended
}

async function untilSaid({ stdout }: ChildProcess, words: string): Promise<void> {
  assert.ok(stdout !== null)
  let said = ''
  for await (const text of stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    said += String(text)
    if (!said.includes(words)) continue
    stdout.resume()
    return
  }
  throw new Error(`it ended, and has said: ${said}`)
}

/** A service that starts says nothing; it is there within a second or two. */
async function untilListening(port: number): Promise<void> {
  const deadline = performance.now() + listeningSecondsMax * 1000
  while (performance.now() < deadline) {
    if (await isListening(port)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nobody listens on port ${port}`)
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
