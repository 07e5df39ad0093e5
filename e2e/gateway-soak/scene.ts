import type { Agent } from 'node:http'
import type { Chance } from '../crash/chance.ts'
import type { Book } from './book.ts'
import type { Service } from './service.ts'
import type { Sessions } from './sessions.ts'
import type { SettingsVersions } from './settings-versions.ts'
import type { Witness } from './witness.ts'

/** What everybody who loads the gateway and judges its answers knows. */
export interface Scene {
  readonly port: number
  readonly agent: Agent
  readonly chance: Chance
  readonly book: Book
  readonly sessions: Sessions
  readonly settings: SettingsVersions
  readonly witness: Witness
  /** The route `/alone/*` leads to the first one only. */
  readonly services: readonly [Service, Service]
  readonly isOver: () => boolean
  /** Whether processes got no time for so long that connections may have been closed as idle ones. */
  readonly stoodStill: (fromMs: number, untilMs: number) => boolean
}

/** No two requests have the same. */
export function newNonce(): string {
  nonces += 1
  return `n${nonces}`
}

let nonces = 0
