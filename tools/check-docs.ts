import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { commandCalledBy, linesOfPortcullis } from './command-lines.ts'
import { undocumentedExports } from './documented-exports.ts'
import { root } from './source-tree.ts'

/**
 * Holds the documentation against the code: every TypeScript example is compiled, every npm script
 * in a shell block exists, every portcullis command there is one that the program takes, every relative link leads to a file, and every export of
 * the SDK is documented. The quick start itself is run, line by line, by e2e/quick-start.test.ts.
 */
interface Block {
  readonly document: string
  readonly line: number
  readonly language: string
  readonly text: string
}

const documents = globSync(
  ['*.md', 'docs/**/*.md', 'packages/*/*.md', 'examples/*/*.md', 'vectors/*.md', 'bench/*.md'],
  { cwd: root },
).toSorted()
const blocks = documents.flatMap(blocksOf)
const mistakes = [
  ...(await checkCommands()),
  ...checkLinks(),
  ...checkExamples(),
  ...undocumentedExports(),
]

for (const mistake of mistakes) process.stderr.write(`${mistake}\n`)
process.stdout.write(
  `${documents.length} documents, ${blocks.length} blocks, ${mistakes.length} mistakes\n`,
)
process.exit(mistakes.length === 0 ? 0 : 1)

function blocksOf(document: string): readonly Block[] {
  const text = readFileSync(join(root, document), 'utf8')
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map((found) => ({
    document,
    line: text.slice(0, found.index).split('\n').length,
    language: found[1] ?? '',
    text: found[2] ?? '',
  }))
}

async function checkCommands(): Promise<readonly string[]> {
  const manifests = globSync(['package.json', '{packages,examples}/*/package.json'], { cwd: root })
  const known = new Set(manifests.flatMap(scriptsOf))
  const shell = blocks.filter(({ language }) => ['sh', 'bash', 'console'].includes(language))
  const found: string[] = []
  let calls = 0
  for (const block of shell) {
    const where = `${block.document}:${block.line}`
    for (const [, name = ''] of block.text.matchAll(
      /npm (?:run (?:--silent )?)?(start|test|(?<=run )[\w:]+)/g,
    )) {
      if (!known.has(name)) found.push(`${where}: there is no npm script ${name}`)
    }
    for (const line of linesOfPortcullis(block.text)) {
      calls += 1
      await commandCalledBy(line).catch((error: unknown) => {
        found.push(`${where}: ${line.trim()}: ${String(error)}`)
      })
    }
  }
  return calls > 0 ? found : ['no line that calls portcullis was found']
}

function scriptsOf(path: string): readonly string[] {
  const manifest = JSON.parse(readFileSync(join(root, path), 'utf8')) as {
    readonly scripts?: Readonly<Record<string, string>>
  }
  return Object.keys(manifest.scripts ?? {})
}

function checkLinks(): readonly string[] {
  const known = new Set(globSync('**/*', { cwd: root, exclude: ['**/node_modules/**'] }))
  const links = documents.flatMap((document) => {
    const text = readFileSync(join(root, document), 'utf8')
    const found = text.matchAll(/\]\((?![a-z]+:)([^)#\s]+)/g)
    return [...found].map(([, target = '']) => ({ document, target }))
  })
  if (links.length === 0) return ['no relative link was found']
  return links
    .filter(
      ({ document, target }) => !known.has(join(dirname(document), target).replace(/\/$/, '')),
    )
    .map(({ document, target }) => `${document}: the link ${target} leads nowhere`)
}

function checkExamples(): readonly string[] {
  const examples = blocks.filter(({ language }) => language === 'ts')
  if (examples.length === 0) return ['no TypeScript example was found']
  const folder = join(root, 'node_modules', '.cache', 'documentation')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const { document, line, text } of examples) {
    const name = `${document.replaceAll(/[/.]/g, '-')}-line-${line}.ts`
    // A module of its own, so that two examples may use one name.
    writeFileSync(join(folder, name), `${text}\nexport {}\n`)
  }
  const config = {
    extends: join(root, 'tsconfig.tests.json'),
    compilerOptions: { noUnusedLocals: false, noUnusedParameters: false, incremental: false },
    include: ['*.ts'],
    references: [],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const { status, stdout } = spawnSync('tsc', ['-p', folder], { cwd: root, encoding: 'utf8' })
  if (status === 0) return []
  const lines = stdout.split('\n').filter((line) => line.includes('error'))
  return lines.length > 0 ? lines : ['the TypeScript examples do not compile']
}
