import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/*
 * Loaded before a process of the simulation: one file of production code is another one there, by a replacement of
 * text. So nothing in production code knows that it can be broken.
 */
const { file, changes } = JSON.parse(process.env['PORTCULLIS_MUTANT'] ?? '{}') as {
  readonly file: string
  readonly changes: readonly (readonly [from: string, to: string])[]
}
const url = new URL(`../../packages/${file}`, import.meta.url)
let text = readFileSync(fileURLToPath(url), 'utf8')
for (const [from, to] of changes) {
  const found = text.split(from).length - 1
  if (found !== 1) throw new Error(`${file} has this ${found} times, and not once: ${from}`)
  text = text.replace(from, () => to)
}

registerHooks({
  load: (loaded, context, nextLoad) => {
    const result = nextLoad(loaded, context)
    if (loaded !== url.href) return result
    return { ...result, source: text }
  },
})
