import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { root } from '../tools/source-tree.ts'
import { newFolder, removeFolder, runPortcullis } from './running-system.ts'

const variables = { PORTCULLIS_PORT_BASE: '0' }
const remedy = 'Start it again with the same command.'

async function untilThere(path: string): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!existsSync(path)) {
    assert.ok(performance.now() < deadline, `${path} is not there`)
    await setTimeout(5)
  }
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`dev that is stopped by ${signal} before it is ready says so, and is no success`, async (t) => {
    if (process.platform === 'win32') return t.skip('there are no such signals')
    const folder = newFolder()
    t.after(() => removeFolder(folder))
    const run = runPortcullis(['dev'], { folder, variables })
    await untilThere(join(folder, '.portcullis'))
    run.child.kill(signal)
    assert.equal(await run.ended, 1)
    assert.equal(run.errors(), `stopped by ${signal} before the system was ready\n${remedy}\n`)
  })
}

test('dev that ends with its starter says that it is gone', async (t) => {
  if (process.platform === 'win32') return t.skip('there is no sh')
  const folder = newFolder()
  t.after(() => removeFolder(folder))
  const main = join(root, 'packages/cli/src/main.ts')
  const dev = `${process.execPath} --conditions=@portcullis/source ${main} dev --end-with-starter`
  // The shell goes when the folder is there, which is made after the starter is known.
  const command = `${dev} & while [ ! -d .portcullis ]; do sleep 0.05; done`
  const shell = spawn('sh', ['-c', command], {
    cwd: folder,
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  // It ends when the last that has the pipe has ended.
  const errors = await text(shell.stderr)
  assert.match(errors, /^stopping, because the process that has started this is gone\n/)
})

test('an end of dev that nobody has asked for is no success, and says so', async () => {
  const { code, errors } = await guarded('')
  assert.equal(code, 1)
  assert.equal(errors, `ended by itself before the system was ready\n${remedy}\n`)
  const started = await guarded('hasStarted()')
  assert.deepEqual(started, { code: 0, errors: '' })
  const failed = await guarded("process.stderr.write('why\\n'); process.exit(3)")
  assert.deepEqual(failed, { code: 3, errors: 'why\n' })
})

/** A process that guards its start, does this, and has nothing left to wait for then. */
async function guarded(
  step: string,
): Promise<{ readonly code: number | null; readonly errors: string }> {
  const module = pathToFileURL(join(root, 'packages/cli/src/dev/early-end.ts')).href
  const program = `import { guardStart } from ${JSON.stringify(module)}
const hasStarted = guardStart()
${step}`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const [errors] = await Promise.all([
    text(child.stderr),
    new Promise((resolve) => child.once('close', resolve)),
  ])
  return { code: child.exitCode, errors }
}
