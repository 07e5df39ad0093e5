import { after, describe } from 'node:test'

/** Of one file. A test that hangs is a test that fails. */
const fileMsMax = 120_000

/** Runs test files one after the other in this process. What a file cleans up at its end, it does at its end. */
export async function runInTurn(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
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
  }
}
