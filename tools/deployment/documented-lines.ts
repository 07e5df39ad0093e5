import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../source-tree.ts'

/** The shell blocks under a heading of `docs/deployment.md`, each as its lines. */
export function documentedLines(heading: string): readonly (readonly string[])[] {
  const text = readFileSync(join(root, 'docs', 'deployment.md'), 'utf8')
  const section = text.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? ''
  const blocks = [...section.matchAll(/^```sh\n(.*?)^```$/gms)]
  assert.ok(blocks.length > 0, `${heading} has no lines`)
  return blocks.map(([, body = '']) => body.trim().split('\n'))
}
