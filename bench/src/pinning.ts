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

export type CommandLine = readonly [string, ...string[]]

/** The command line that runs a program on one core, where the machine lets us choose. */
export function pinnedTo(core: number, command: CommandLine): CommandLine {
  return canPin ? ['taskset', '-c', String(core), ...command] : command
}

/** On any core. Said, because a process is where the one is that starts it. */
export function pinnedNowhere(command: CommandLine): CommandLine {
  return canPin ? ['taskset', '-c', `0-${cpus().length - 1}`, ...command] : command
}
