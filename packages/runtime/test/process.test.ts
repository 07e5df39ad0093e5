import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

interface Ended {
  readonly code: unknown
  readonly output: string
  readonly errors: string
}

interface Started {
  readonly child: ChildProcess
  /** Settles when the process has ended. */
  readonly ended: Promise<Ended>
}

const entry = fileURLToPath(new URL('./stoppable-process.ts', import.meta.url))

function startProcess(t: TestContext, behaviour: string): Started {
  const child = fork(entry, [behaviour], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  t.after(() => child.kill('SIGKILL'))
  assert.ok(child.stdout !== null && child.stderr !== null)
  const ended = Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]).then(
    ([[code], output, errors]): Ended => ({ code, output, errors }),
  )
  return { child, ended }
}

async function startRunning(t: TestContext, behaviour: string): Promise<Started> {
  const started = startProcess(t, behaviour)
  await once(started.child, 'message')
  return started
}

describe('a process that runs until it is stopped', { concurrency: 4 }, () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal} ends the process with 0, after everything was closed`, async (t) => {
      const { child, ended } = await startRunning(t, 'closes-slowly')
      child.kill(signal)
      const { code, output, errors } = await ended
      assert.equal(code, 0)
      assert.match(output, /"stopping"\}\nclosed\n$/)
      assert.equal(errors, '')
    })
  }

  test('a process whose log nobody reads any more still ends', async (t) => {
    const { child, ended: output } = await startRunning(t, 'logs-to-the-end')
    const cutOff = assert.rejects(output, { code: 'ERR_STREAM_PREMATURE_CLOSE' })
    child.stdout?.destroy()
    await cutOff
    child.stderr?.destroy()
    await delay(50)
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    const winner = await Promise.race([ended, delay(5000, 'still there')])
    assert.deepEqual(winner, [0, null])
  })

  test('two signals at once, as from a terminal and from npm, do not skip the close', async (t) => {
    const { child, ended } = await startRunning(t, 'closes-slowly')
    child.kill('SIGINT')
    child.kill('SIGTERM')
    await delay(100)
    child.kill('SIGINT')
    const { code, output } = await ended
    assert.equal(code, 0)
    assert.match(output, /closed\n$/)
    assert.equal(output.match(/"stopping"/g)?.length, 1)
  })

  test('a second signal of a person who insists ends the process at once with 1', async (t) => {
    const { child, ended } = await startRunning(t, 'closes-very-slowly')
    child.kill('SIGINT')
    await once(child, 'message')
    await delay(1200)
    child.kill('SIGINT')
    const { code, output, errors } = await ended
    assert.equal(code, 1)
    assert.ok(!output.includes('closed'))
    assert.equal(errors, 'a second SIGINT: what was under way is cut off\n')
  })

  test('a StartError is printed as two lines, without a stack, and exits with 1', async (t) => {
    const { code, output, errors } = await startProcess(t, 'cannot-start').ended
    assert.equal(code, 1)
    assert.equal(errors, 'the port is in use\nChoose another one.\n')
    assert.equal(output, '')
  })

  for (const behaviour of ['breaks-at-start', 'breaks-at-close']) {
    test(`a mistake of ours is printed with its stack and exits with 1: ${behaviour}`, async (t) => {
      const { child, ended } = startProcess(t, behaviour)
      child.once('message', () => child.kill('SIGTERM'))
      const { code, errors } = await ended
      assert.equal(code, 1)
      assert.match(errors, /^unexpected error: TypeError: a mistake of ours\n {4}at /)
    })
  }
})

test('a process that is stopped while it starts is closed when it has, and ends with 0', async (t) => {
  const { child, ended } = await startRunning(t, 'starts-slowly')
  child.kill('SIGINT')
  const { code, output } = await ended
  assert.equal(code, 0)
  assert.match(output, /closed\n$/)
})

test('a stop that takes longer than it may ends the process with 1', async (t) => {
  const { child, ended } = await startRunning(t, 'may-take-a-second')
  const startedMs = performance.now()
  child.kill('SIGTERM')
  const { code, output } = await ended
  assert.equal(code, 1)
  assert.match(output, /stop took too long/)
  assert.ok(performance.now() - startedMs < 6000)
})
