import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../../../../shared/vectors/', import.meta.url))

/**
 * Published test vectors lie beside the checkout, not in it. Where they are missing the test is
 * skipped and says so; in CI that is a failure, so that nobody relies on a test that never ran.
 */
export function readSharedVectors(context: TestContext, path: string): unknown {
  return presentOrSkip(context, path, () => JSON.parse(readFileSync(join(folder, path), 'utf8')))
}

/** The names and octets of the files of a folder. */
export function readSharedFiles(
  context: TestContext,
  path: string,
): readonly (readonly [string, Buffer])[] | undefined {
  return presentOrSkip(context, path, () =>
    readdirSync(join(folder, path)).map((name) => [name, readFileSync(join(folder, path, name))]),
  )
}

function presentOrSkip<Content>(
  context: TestContext,
  path: string,
  read: () => Content,
): Content | undefined {
  try {
    return read()
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!isMissing || process.env['CI'] === 'true') throw error
    context.skip(`the shared vectors ${path} are not beside this checkout`)
    return undefined
  }
}
