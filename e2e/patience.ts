const patienceMs = 20_000
const retryMs = 20

/**
 * Tries until it works. Children of a killed PostgreSQL hold its memory for a moment, so that it does not start
 * again at once, and while it recovers it lets nobody in.
 */
export async function untilItWorks<Result>(step: () => Promise<Result>): Promise<Result> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return await step()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, retryMs))
    }
  }
}
