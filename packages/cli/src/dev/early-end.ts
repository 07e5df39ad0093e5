import process from 'node:process'

const signals = ['SIGINT', 'SIGTERM'] as const

/**
 * Until what it answers is called, no end of this process is a success, and none is without a word: whoever waits for
 * the system waits in vain from then on. What has failed has said so itself.
 */
export function guardStart(): () => void {
  let stoppedBy: NodeJS.Signals | undefined
  const noteSignal = (signal: NodeJS.Signals): void => {
    stoppedBy ??= signal
  }
  const tell = (code: number): void => {
    if (code !== 0) return
    process.exitCode = 1
    const how = stoppedBy === undefined ? 'ended by itself' : `stopped by ${stoppedBy}`
    const remedy = 'Start it again with the same command.'
    process.stderr.write(`${how} before the system was ready\n${remedy}\n`)
  }
  for (const signal of signals) process.once(signal, noteSignal)
  process.once('exit', tell)
  return () => {
    // It is ready, and closes at once.
    if (stoppedBy !== undefined) return
    for (const signal of signals) process.off(signal, noteSignal)
    process.off('exit', tell)
  }
}
