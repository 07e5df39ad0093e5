import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { root } from '../tools/source-tree.ts'
import { newFolder, removeFolder } from './running-system.ts'

/** In a package of the folder whose script is the real one, by npm and the shell that npm runs scripts in. */
function npmStart(folder: string): ChildProcess {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>
  }
  const start = scripts['start']?.replace('packages/cli', join(root, 'packages/cli'))
  assert.match(String(start), /^node .* dev --end-with-starter$/)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ scripts: { start } }))
  const env = { ...process.env, PORTCULLIS_PORT_BASE: '0' }
  return spawn('npm', ['start', '--silent'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`npm start ends with npm, also when that is ended by ${signal}`, async (context) => {
    if (process.platform === 'win32') return context.skip('there are no such signals')
    if (process.platform !== 'linux' && signal !== 'SIGTERM') {
      return context.skip('a shell between is found through /proc')
    }
    const folder = newFolder()
    const npm = npmStart(folder)
    const printed = await untilPrinted(npm, /kill (\d+), stops everything/)
    const pid = Number(printed[1])
    assert.ok(isThere(pid))
    npm.kill(signal)
    await untilGone(pid)
    removeFolder(folder)
  })
}

test('what a shell has started and left goes on, until its process id is told to stop', async (context) => {
  if (process.platform === 'win32') return context.skip('there is no sh')
  const folder = newFolder()
  const env = { ...process.env, PORTCULLIS_PORT_BASE: '0' }
  const main = join(root, 'packages/cli/src/main.ts')
  const command = `${process.execPath} --conditions=@portcullis/source ${main} dev &`
  const shell = spawn('sh', ['-c', command], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const pid = Number((await untilPrinted(shell, /kill (\d+), stops everything/))[1])
  assert.notEqual(shell.exitCode, null, 'the shell is gone')
  await new Promise((resolve) => setTimeout(resolve, 1500))
  assert.ok(isThere(pid))
  process.kill(pid, 'SIGTERM')
  await untilGone(pid)
  removeFolder(folder)
})

async function untilPrinted({ stdout }: ChildProcess, expected: RegExp): Promise<RegExpExecArray> {
  let text = ''
  for await (const piece of stdout?.setEncoding('utf8') ?? []) {
    text += String(piece)
    const found = expected.exec(text)
    if (found !== null) return found
  }
  return assert.fail(`it ended, and has printed: ${text}`)
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function untilGone(pid: number): Promise<void> {
  for (let tries = 0; tries < 200 && isThere(pid); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.ok(!isThere(pid), `process ${pid} is still there`)
}
