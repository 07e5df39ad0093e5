import type { MetricsSnapshot } from '@portcullis/runtime'
import type { GatewayHealth } from '../gateway.ts'
import type { GatewaySettings } from '../settings/settings.ts'

/** What the primary asks a worker. Both are of one release, so nothing of it is checked again. */
export type Question =
  | { readonly kind: 'start'; readonly number: number; readonly settings: GatewaySettings }
  | { readonly kind: 'prepare'; readonly settings: GatewaySettings }
  | { readonly kind: 'commit' | 'abandon' | 'health' | 'metrics' | 'stop' }

export type Answer =
  | { readonly kind: 'started'; readonly port: number }
  | { readonly kind: 'done' }
  | { readonly kind: 'health'; readonly health: GatewayHealth }
  | { readonly kind: 'metrics'; readonly snapshot: MetricsSnapshot }
  /** Of a `StartError`. */
  | { readonly kind: 'failed'; readonly message: string; readonly remedy: string }

export interface Asked {
  readonly number: number
  readonly question: Question
}

export interface Answered {
  readonly number: number
  readonly answer: Answer
}

/** The worker can be asked from now on: what comes before is lost. */
export const listens = 'listens'
