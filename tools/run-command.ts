import { spawnSync } from 'node:child_process'
import process from 'node:process'
import { root } from './source-tree.ts'

/** Runs a program of this workspace from its root. The first that fails ends the whole tool. */
export function runCommand(command: string, parameters: readonly string[]): void {
  const { status } = spawnSync(command, parameters, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}
