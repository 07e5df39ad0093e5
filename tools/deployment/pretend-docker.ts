import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { containerOf, readCompose, readVariables } from './compose.ts'
import type { Surroundings } from './containers.ts'
import { startContainer } from './containers.ts'
import type { Image } from './image.ts'

/** What `docker compose run` does, where there is no engine: one command of a service, as a process of this machine. */
export interface DockerState {
  readonly composeFile: string
  readonly image: Image
  readonly surroundings: Surroundings
  readonly address: string
}

const { composeFile, image, surroundings, address }: DockerState = JSON.parse(
  readFileSync(process.env['PRETEND_DOCKER'] ?? '', 'utf8'),
)
const [compose, run, ...words] = process.argv.slice(2)
assert.deepEqual([compose, run], ['compose', 'run'])
while (words[0]?.startsWith('-') === true) {
  const option = words.shift()
  assert.ok(option === '--rm' || option === '-T', `${option} is not known`)
}
const [service = '', ...command] = words
const file = readCompose(composeFile, readVariables(join(dirname(composeFile), '.env')))
const container = containerOf(composeFile, file, service, image, surroundings.folder)
const [program = '', ...parameters]: readonly string[] = [...image.entrypoint, ...command]
const child = startContainer(
  command.length === 0 ? container : { ...container, command: [program, ...parameters] },
  address,
  surroundings,
  'inherit',
)
const [code] = (await once(child, 'exit')) as [number | null]
process.exit(code ?? 1)
