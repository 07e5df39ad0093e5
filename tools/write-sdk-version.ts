import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './source-tree.ts'

/** Puts the version of the manifest of the SDK into its code: bundlers leave manifests behind. */
const manifest = JSON.parse(readFileSync(join(root, 'packages/verify/package.json'), 'utf8')) as {
  readonly version: string
}
const path = join(root, 'packages/verify/src/version.ts')
const text = readFileSync(path, 'utf8')
writeFileSync(path, text.replace(/'[^']*'(?=\n$)/, `'${manifest.version}'`))
