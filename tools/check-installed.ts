import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { runQuickstart } from './installed-quickstart.ts'
import { nodeProgram, oldestNode, otherNodes } from './node-versions.ts'
import type { PackedPackage } from './packed-packages.ts'
import { packPackages } from './packed-packages.ts'
import { runCommand } from './run-command.ts'
import { root } from './source-tree.ts'

/**
 * Installs the SDK from its tarballs into an empty folder outside of the workspace, and runs a little
 * service there on every version of Node that is promised. Neither the installation nor the service
 * needs a network. Then the quickstart, with everything.
 */
runCommand('npm', ['run', '--silent', 'build'])
const folder = mkdtempSync(join(tmpdir(), 'portcullis-installed-'))
let failed = 0
try {
  const packed = packPackages(folder)
  const sdk = packed.filter(({ name }) => /\/(?:protocol|verify)$/.test(name))
  if (sdk.length !== 2) throw new Error('protocol and verify were not packed')
  checkPromise(sdk)
  install(sdk)
  compileService()
  for (const version of otherNodes) runService(version, nodeProgram(version))
  runService(process.versions.node, process.execPath)
  const seconds = await runQuickstart(packed)
  process.stdout.write(`quickstart: five commands, ${seconds.toFixed(1)} s to the first answer\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = failed === 0 ? 0 : 1

/** What is run here first must be what the manifests promise. */
function checkPromise(sdk: readonly PackedPackage[]): void {
  for (const { name, manifest } of sdk) {
    const { node } = manifest['engines'] as Readonly<Record<string, string>>
    if (`${node}.0` === `>=${oldestNode}`) continue
    throw new Error(`${name} promises Node ${node}, and the oldest that is tried is ${oldestNode}`)
  }
}

function install(sdk: readonly PackedPackage[]): void {
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  // An empty cache, so that nothing comes out of an earlier installation.
  const flags = ['--offline', '--cache', join(folder, 'cache'), '--ignore-scripts', '--silent']
  const tarballs = sdk.map(({ tarball }) => tarball)
  execFileSync('npm', ['install', ...flags, ...tarballs], { cwd: folder, stdio: 'inherit' })
}

/** Against the declarations as they were packed, and without looking away from what is in them. */
function compileService(): void {
  const text = readFileSync(join(root, 'tools', 'installed-service.ts'), 'utf8')
  writeFileSync(join(folder, 'service.ts'), text)
  const compilerOptions = {
    strict: true,
    module: 'nodenext',
    target: 'es2024',
    lib: ['es2024'],
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
  }
  const config = { compilerOptions, files: ['service.ts'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  runCommand('tsc', ['-p', folder])
}

function runService(version: string, program: string | undefined): void {
  if (program === undefined) return
  const options = { cwd: folder, encoding: 'utf8', timeout: 60_000 } as const
  const { status, stdout, stderr } = spawnSync(program, ['service.js'], options)
  process.stdout.write(`Node ${version}: ${status === 0 ? `held, ${stdout}` : 'failed\n'}`)
  if (status === 0) return
  process.stderr.write(stderr)
  failed += 1
}
