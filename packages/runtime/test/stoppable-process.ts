import { setTimeout as delay } from 'node:timers/promises'
import { createLog } from '../src/log.ts'
import type { Running } from '../src/process.ts'
import { runUntilStopped } from '../src/process.ts'
import { StartError } from '../src/start-error.ts'

const log = createLog({ name: 'test' })

/** How the process of `process.test.ts` behaves, named by its first argument. */
const behaviours: Readonly<Record<string, () => Promise<Running>>> = {
  'closes-slowly': async () => running(300),
  'closes-very-slowly': async () => running(8000),
  'may-take-a-second': async () => ({ ...(await running(8000)), stopSecondsMax: () => 1 }),
  'starts-slowly': async () => {
    process.send?.('starting')
    await delay(300)
    return running(0)
  },
  'logs-to-the-end': async () => ({
    close: async () => {
      for (let line = 1; line <= 100; line += 1) log.info({ line }, 'closing')
    },
  }),
  'cannot-start': async () => {
    throw new StartError('the port is in use', 'Choose another one.')
  },
  'breaks-at-start': async () => {
    throw new TypeError('a mistake of ours')
  },
  'breaks-at-close': async () => ({
    close: async () => {
      throw new TypeError('a mistake of ours')
    },
  }),
}

async function running(closeMs: number): Promise<Running> {
  return {
    close: async () => {
      process.send?.('closing')
      await delay(closeMs)
      process.stdout.write('closed\n')
    },
  }
}

const start = behaviours[process.argv[2] ?? '']
if (start === undefined) throw new TypeError('there is no such behaviour')
await runUntilStopped(log, start)
// In place of a listener, which keeps a process alive until it is stopped.
setInterval(() => undefined, 1000)
process.send?.('running')
