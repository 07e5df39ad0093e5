import type { Log, Repeat } from '@portcullis/runtime'
import { takeSteadySteps } from '@portcullis/runtime'
import type { Anomaly } from '../domain/anomalies/anomalies.ts'
import type { AnomalyActions, TurnParts } from '../domain/anomalies/turns.ts'
import { takeTurn } from '../domain/anomalies/turns.ts'

const everyMs = 2000
/** Of what has piled up, so that one step comes to its end. */
const turnsMax = 20

export interface AnomalyTurnParts extends TurnParts {
  /** Told of each anomaly once, by the one node that has found it. */
  readonly onOpened: (anomaly: Anomaly) => void
  readonly actions: AnomalyActions
  readonly onActed: (anomaly: Anomaly) => void
  readonly log: Log
  readonly repeat?: Repeat
}

/** Judges what all nodes have seen, until the returned function has been called. Every node tries, and one does it. */
export function startAnomalyTurns({
  onOpened,
  actions,
  onActed,
  log,
  repeat,
  ...parts
}: AnomalyTurnParts): () => Promise<void> {
  return takeSteadySteps({
    step: async () => {
      for (let turn = 0; turn < turnsMax; turn += 1) {
        const { opened, isMore } = await takeTurn(parts)
        for (const anomaly of opened) onOpened(anomaly)
        if (!isMore) break
      }
      // Also what a node has found that was killed before it could act.
      for (const anomaly of await actions.actOnWaiting()) onActed(anomaly)
      return undefined
    },
    everyMs,
    trouble:
      'what nodes have seen cannot be judged: no anomaly is found meanwhile, and what is seen waits',
    recovery: 'what nodes have seen is judged again',
    log,
    repeat,
  })
}
