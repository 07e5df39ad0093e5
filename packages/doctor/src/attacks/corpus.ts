import { existsSync, readFileSync } from 'node:fs'
import type { Vector } from '@portcullis/verify/testing'
import type { EndpointVector } from './endpoint-attacks.ts'

/** Where the build puts a copy for the published package, and where the corpus stands in the repository. */
const places = ['../vectors/', '../../../../vectors/']

/** The corpus that the verifier's own tests read too: every forged token, and the twin that must pass. */
export function readCorpus(): readonly Vector[] {
  return read('access-tokens.json') as readonly Vector[]
}

/** Ways around the check of a token, and ways to bring one along that are not the header. */
export function readEndpointAttacks(): readonly EndpointVector[] {
  return read('endpoint-attacks.json') as readonly EndpointVector[]
}

function read(name: string): unknown {
  const found = places
    .map((place) => new URL(`${place}${name}`, import.meta.url))
    .find((file) => existsSync(file))
  if (found === undefined) throw new Error(`the corpus ${name} is not a part of this installation`)
  return JSON.parse(readFileSync(found, 'utf8'))
}
