import { join } from 'node:path'
import process from 'node:process'
import { readCommandLine } from '../../tools/command-line.ts'
import { newFolder, removeFolder } from '../running-system.ts'
import { closeStage, openStage, steps } from './story.ts'

const usage = `Usage: npm run tour

Starts a system of its own and walks through what Portcullis promises. Ends with 1 at the first step that does not hold.
It takes no options.`

/**
 * `npm run tour`: starts a system of its own and walks through what Portcullis promises, without a
 * person. One line a step; ends with 1 at the first that does not hold.
 */
readCommandLine(usage, {})
const folder = newFolder()
const startedAt = performance.now()
const seconds = (): string => ((performance.now() - startedAt) / 1000).toFixed(1)

try {
  const stage = await openStage(folder)
  say('a system of its own', `identity, gateway, orders and reviews after ${seconds()} s`)
  try {
    for (const { title, walk } of steps) say(title, await walk(stage))
  } finally {
    await closeStage(stage)
  }
  removeFolder(folder)
  process.stdout.write(`everything held, in ${seconds()} s\n`)
} catch (error) {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`this did not hold: ${text}\n`)
  process.stderr.write(`the logs are in ${join(folder, '.portcullis', 'logs')}\n`)
  process.exitCode = 1
}

function say(title: string, seen: string): void {
  process.stdout.write(`✓ ${title}: ${seen}\n`)
}
