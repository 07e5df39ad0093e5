import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'
import process from 'node:process'

/** What is measured has a core of its own; the issuer it talks to, or the server that is measured, has another. */
export const measuredCore = 1
export const otherCore = 0

export const canPin: boolean =
  process.platform === 'linux' &&
  cpus().length > measuredCore &&
  spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status === 0

/** The command line that runs a program on one core, where the machine lets us choose. */
export function pinnedTo(
  core: number,
  command: readonly [string, ...string[]],
): readonly [string, ...string[]] {
  return canPin ? ['taskset', '-c', String(core), ...command] : command
}
