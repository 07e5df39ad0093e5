import type { Log, Metrics } from '@portcullis/runtime'
import type { Activity } from './domain/activity.ts'
import { countSightings } from './domain/activity.ts'
import type { Anomaly, AnomalyStore } from './domain/anomalies/anomalies.ts'
import type { AutomaticAction, RuleId } from './domain/anomalies/rules.ts'
import { ruleIds, rules } from './domain/anomalies/rules.ts'
import { lookAround } from './domain/anomalies/look.ts'
import type { FollowerStore } from './domain/followers.ts'
import { createGatheredSightings } from './domain/anomalies/gathered-sightings.ts'
import type { Keyring } from './domain/keyring.ts'
import type { Notice } from './domain/anomalies/sightings.ts'
import { startAnomalyTurns } from './jobs/anomaly-turns.ts'
import { startAnomalyUpkeep } from './jobs/anomaly-upkeep.ts'
import { startWritingSightings } from './jobs/sightings.ts'
import type { IdentitySettings } from './settings.ts'
import { createAnomalyActions } from './store/anomaly-actions.ts'
import { createAnomalyStore } from './store/anomalies.ts'
import { createAnomalyTurns } from './store/anomaly-turns.ts'
import type { Database } from './store/database.ts'
import type { StoredRevocationLog } from './store/revocations.ts'
import { readPositionBefore } from './store/revocations.ts'
import { createSightingWriter } from './store/sightings.ts'

/** Where a network (a /24 or a /48) is, in whatever words: a country, or a provider. Undefined where nobody knows. */
export type LocateNetwork = (network: string) => string | undefined

export interface StartedAnomalies {
  readonly anomalies: AnomalyStore
}

export interface AnomalySources {
  readonly database: Database
  readonly revocations: Pick<StoredRevocationLog, 'transaction'>
  readonly gathered: ReturnType<typeof createGatheredSightings>
  readonly keyring: Pick<Keyring, 'list'>
  readonly followers: Pick<FollowerStore, 'list'>
  readonly locateNetwork?: LocateNetwork | undefined
  readonly now: () => number
  readonly log: Log
  readonly metrics: Metrics
  readonly activity: Pick<Activity, 'count'>
}

/** Judges what nodes see and what the audit record says. `onClose` is told how to end what goes on by the clock. */
export function startAnomalies(
  settings: Pick<IdentitySettings, 'anomalies' | 'auditRetentionDays' | 'keyRotationDays'>,
  sources: AnomalySources,
  onClose: (step: () => Promise<void>) => void,
): StartedAnomalies {
  const { database, gathered, keyring, followers, now, log } = sources
  const { anomalies: bounds, keyRotationDays } = settings
  const turns = createAnomalyTurns(database, actionsOf(bounds))
  const { transaction } = sources.revocations
  const looked = {
    listKeys: keyring.list,
    followers,
    positionBefore: (agoMs: number) => readPositionBefore(database.read, agoMs),
    now,
    keyRotationDays,
    followerBehindSeconds: bounds.followerBehindSeconds,
  }
  onClose(startAnomalyUpkeep(turns, settings.auditRetentionDays, log))
  onClose(
    startAnomalyTurns({
      turns,
      look: () => lookAround(looked),
      judging: { bounds, placeOf: sources.locateNetwork ?? (() => undefined) },
      onOpened: createTelling(sources),
      actions: createAnomalyActions(database, transaction, bounds.actionsPerHourMax),
      onActed: ({ id, rule, about, subject, outcome }) => {
        if (outcome !== 'told')
          log.warn(
            { anomalyId: id, rule, about, aboutId: subject, outcome },
            'a rule has acted by itself',
          )
      },
      log,
    }),
  )
  onClose(startWritingSightings({ gathered, ...createSightingWriter(database), log }))
  return { anomalies: createAnomalyStore(database) }
}

function actionsOf(settings: IdentitySettings['anomalies']): (rule: RuleId) => AutomaticAction[] {
  const chosen: readonly (readonly [AutomaticAction, readonly string[]])[] = [
    ['alert', settings.alertFor],
    ['end-session', settings.endSessionFor],
    ['block-account', settings.dangerouslyBlockAccountFor],
  ]
  return (rule) => chosen.flatMap(([action, ids]) => (ids.includes(rule) ? [action] : []))
}

function createTelling({ log, metrics, activity }: AnomalySources): (anomaly: Anomaly) => void {
  const count = metrics.counter({
    name: 'portcullis_anomalies_total',
    help: 'Anomalies that this node was the one to find (docs/anomalies.md).',
    labels: ['rule', 'severity'],
  })
  // What rises from nothing is no increase to Prometheus.
  for (const rule of ruleIds) count({ rule, severity: rules[rule].severity }, 0)
  return ({ id, rule, severity, about, subject, evidence }) => {
    count({ rule, severity })
    activity.count('anomalies')
    const facts = { anomalyId: id, rule, severity, about, aboutId: subject, evidence }
    if (severity === 'notice') log.info(facts, 'anomaly')
    else log.warn(facts, 'anomaly')
  }
}

export function gatherSightings(
  now: () => number,
  activity: Activity,
): {
  readonly gathered: ReturnType<typeof createGatheredSightings>
  readonly notice: Notice
} {
  const gathered = createGatheredSightings(now)
  return { gathered, notice: countSightings(activity, gathered.notice) }
}
