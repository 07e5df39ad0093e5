import { mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

/**
 * Gives a sandbox its `node_modules`. Linking the whole folder would not do: our own packages in it
 * are links to the sources, so that tests would import those, and not what was mutated here.
 */
const sandbox = process.cwd()
const root = join(sandbox, '..', '..', '..')
const ours = '@portcullis'

mkdirSync(join(sandbox, 'node_modules', ours), { recursive: true })
for (const name of readdirSync(join(root, 'node_modules'))) {
  if (name.startsWith(ours)) continue
  symlinkSync(join(root, 'node_modules', name), join(sandbox, 'node_modules', name))
}
for (const name of readdirSync(join(sandbox, 'packages'))) {
  symlinkSync(join(sandbox, 'packages', name), join(sandbox, 'node_modules', ours, name))
}
