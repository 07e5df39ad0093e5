import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import type { Container, Surroundings } from './containers.ts'
import { startContainer } from './containers.ts'

/** What `kubectl exec deployment/identity -- …` does, where there is no cluster: a command with what a pod has. */
export interface KubectlState {
  readonly pod: Omit<Container, 'mounts'>
  readonly mounts: readonly (readonly [string, string])[]
  readonly surroundings: Surroundings
  readonly address: string
}

const { pod, mounts, surroundings, address }: KubectlState = JSON.parse(
  readFileSync(process.env['PRETEND_KUBECTL'] ?? '', 'utf8'),
)
const [exec, where, dashes, program = '', ...parameters] = process.argv.slice(2)
assert.deepEqual([exec, where, dashes], ['exec', 'deployment/identity', '--'])
const child = startContainer(
  { ...pod, name: `${pod.name}-exec`, command: [program, ...parameters], mounts: new Map(mounts) },
  address,
  surroundings,
  'inherit',
)
const [code] = (await once(child, 'exit')) as [number | null]
process.exit(code ?? 1)
