import process from 'node:process'
import { after, describe } from 'node:test'

/** Of one file. A test that hangs is a test that fails. */
const fileMsMax = 120_000
/** What a process may take to end by itself once its tests are over. */
const lingerMsMax = 20_000

/** Runs test files one after the other in this process. What a file cleans up at its end, it does at its end. */
export async function runInTurn(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    const hanging = setTimeout(() => leave(`${path} has not ended`), 2 * fileMsMax)
    describe(path, { timeout: fileMsMax }, async () => {
      after(() => end())
      try {
        await import(new URL(`../${path}`, import.meta.url).href)
      } catch (error) {
        end()
        throw error
      }
    })
    await ended
    clearTimeout(hanging)
  }
  // A test that fails halfway may leave a server open, which would keep the whole run from ending.
  setTimeout(() => leave(`the tests of ${paths.join(', ')} are over`), lingerMsMax).unref()
}

function leave(what: string): void {
  const open = process.getActiveResourcesInfo().join(', ')
  process.stderr.write(`${what}, and this process is kept alive by: ${open}\n`)
  process.exit(1)
}
