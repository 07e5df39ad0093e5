import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path'
import type { OutputChunk } from '@rollup/wasm-node'
import { rollup } from '@rollup/wasm-node'
import { minify } from 'terser'

/**
 * Makes the JavaScript in the `dist` of a package small: a file for each of its entries, and others for what several
 * of them load. Names of classes and of what entries export stay. A source map beside each holds the readable text
 * of its modules, for debuggers and stack traces.
 */
export async function makeSmall(folder: string): Promise<void> {
  const dist = join(folder, 'dist')
  const chunks = await bundle(dist, entriesOf(folder))
  const exported = new Set(chunks.flatMap((chunk) => (chunk.isEntry ? chunk.exports : [])))
  for (const name of globSync('**/*.js', { cwd: dist })) rmSync(join(dist, name))
  await Promise.all(chunks.map((chunk) => write(dist, chunk, [...exported])))
}

/** Folders of what no service loads that has not asked for it. */
const apart: ReadonlySet<string> = new Set(['dpop', 'events', 'testing'])

/** What its `exports` name: nothing else can be reached. */
function entriesOf(folder: string): readonly string[] {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, { readonly default: string }>>
  }
  return Object.values(exports).map((entry) => join(folder, entry.default))
}

async function bundle(dist: string, entries: readonly string[]): Promise<readonly OutputChunk[]> {
  const input = entries.map((path) => [relative(dist, path).replace(/\.js$/, ''), path])
  const bundled = await rollup({
    input: Object.fromEntries(input),
    external: (id) => !id.startsWith('.') && !isAbsolute(id),
    onwarn: (warning) => {
      throw new Error(warning.message)
    },
  })
  const folderOf = (id: string): string => relative(dist, id).split(sep)[0] ?? ''
  const { output } = await bundled.generate({
    format: 'es',
    dir: dist,
    // What only one folder of entries needs lies there, where its size is counted apart.
    chunkFileNames: ({ moduleIds }) => {
      const [folder = '', ...others] = new Set(moduleIds.map(folderOf))
      return `${others.length === 0 && apart.has(folder) ? folder : 'shared'}/[name].js`
    },
    // Otherwise each entry would name what those that it imports import.
    hoistTransitiveImports: false,
    sourcemap: true,
  })
  await bundled.close()
  return output.filter((one) => one.type === 'chunk')
}

async function write(
  dist: string,
  { fileName, code: readable, map: readableMap }: OutputChunk,
  keptNames: string[],
): Promise<void> {
  if (readableMap === null) throw new Error(`${fileName} has no map`)
  const name = basename(fileName)
  const { code, map } = await minify(
    { [name]: readable },
    {
      module: true,
      // It would move functions to where they are called, and make them anew at each call.
      // None of our functions is called by `new`: that is what arrows could not do.
      compress: {
        ecma: 2020,
        passes: 2,
        inline: false,
        reduce_funcs: false,
        unsafe_arrows: true,
      },
      mangle: { reserved: keptNames },
      keep_classnames: true,
      // Of an error that nobody catches Node prints the whole line that threw it, before what it says.
      format: { max_line_len: 500 },
      sourceMap: { content: readableMap.toString(), url: `${name}.map`, includeSources: true },
    },
  )
  if (code === undefined || typeof map !== 'string') throw new Error(`${name} cannot be made small`)
  const path = join(dist, fileName)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${code}\n`)
  writeFileSync(`${path}.map`, map)
}
