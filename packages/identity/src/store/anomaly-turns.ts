import type { Anomaly } from '../domain/anomalies/anomalies.ts'
import { goesOnSince, mergeEvidence } from '../domain/anomalies/anomalies.ts'
import type { CountedFinding, WatchedState } from '../domain/anomalies/judge.ts'
import type { AutomaticAction, RuleId } from '../domain/anomalies/rules.ts'
import { rules } from '../domain/anomalies/rules.ts'
import type { AnomalyTurns, Taken, Waiting } from '../domain/anomalies/turns.ts'
import type {
  At,
  Clue,
  Looked,
  Recorded,
  RecordedKind,
  Sighting,
} from '../domain/anomalies/sightings.ts'
import { recordedKinds } from '../domain/anomalies/sightings.ts'
import { anomalyOf, evidenceIn } from './anomalies.ts'
import { integer, optionalText, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'

/** One turn reads so much, some milliseconds of work. */
const sightingRowsMax = 5
const recordsMax = 200
/** So often keys and followers are looked at, by one node. */
const lookEveryMs = 30_000
/** Of one rule within an hour. Those beyond it are one anomaly together: nobody reads thousands. */
const openedMax = 200
const hourMs = 3_600_000
/** What those beyond it are about. */
export const manyOthers = 'others'
const forgottenAtOnceMax = 1000

/** What is to be done by itself about each anomaly of a rule. */
export type ActionsOf = (rule: RuleId) => readonly AutomaticAction[]

export function createAnomalyTurns(
  database: Database,
  actionsOf: ActionsOf = () => [],
): AnomalyTurns {
  const { read } = database
  return {
    waiting: (look) => readWaiting(read, look),
    statesOf: async (keys) => {
      if (keys.length === 0) return []
      const rows = await read(
        `SELECT watcher, subject, state FROM anomaly_states
         WHERE until_at > statement_now() AND (watcher, subject) IN (
           SELECT value ->> 0, value ->> 1 FROM jsonb_array_elements($1::jsonb))`,
        [JSON.stringify(keys.map(({ watcher, subject }) => [watcher, subject]))],
      )
      return rows.map((row) => ({
        watcher: text(row, 'watcher'),
        subject: text(row, 'subject'),
        state: JSON.parse(text(row, 'state')) as unknown,
      }))
    },
    keep: (waiting, { states, findings }) =>
      database.transaction(async (query) => {
        if (!(await takeVersion(query, waiting))) return undefined
        await moveOn(query, waiting.taken)
        await writeStates(query, states)
        const opened: Anomaly[] = []
        const others = new Map<RuleId, CountedFinding>()
        for (const finding of findings) {
          const kept = await keepFinding(query, finding, actionsOf)
          if (kept === 'too-many') others.set(finding.rule, withOther(others, finding))
          else if (kept !== undefined) opened.push(kept)
        }
        for (const finding of others.values()) {
          const open = await openAnomaly(query, finding)
          if (open === undefined) opened.push(await insertFinding(query, finding, actionsOf))
          else await prolong(query, open, finding)
        }
        return opened
      }),
    forget: async (retentionMs) => {
      const states = await database.write(
        `DELETE FROM anomaly_states WHERE (watcher, subject) IN (
           SELECT watcher, subject FROM anomaly_states WHERE until_at <= statement_now()
           ORDER BY until_at LIMIT $1) RETURNING subject`,
        [forgottenAtOnceMax],
      )
      const anomalies = await database.write(
        `DELETE FROM anomalies WHERE id IN (
           SELECT id FROM anomalies WHERE last_at < statement_now() - $1 ORDER BY last_at LIMIT $2)
         RETURNING id`,
        [retentionMs, forgottenAtOnceMax],
      )
      return Math.max(states.length, anomalies.length) === forgottenAtOnceMax
    },
  }
}

async function readWaiting(read: Query, look: () => Promise<readonly Looked[]>): Promise<Waiting> {
  // First: whatever another node changes from here on is noticed by it.
  const [turn] = await read(
    'SELECT version, statement_now() AS now, statement_now() - looked_at AS looked_ago FROM anomaly_turns',
  )
  if (turn === undefined) throw new TypeError('there are no turns in this store')
  const now = integer(turn, 'now')
  const hasLooked = integer(turn, 'looked_ago') >= lookEveryMs
  const looked = hasLooked ? await look() : []
  const seen = await read('SELECT id, seen FROM sightings ORDER BY id LIMIT $1', [sightingRowsMax])
  const { records, cursors, isMore } = await readRecords(read)
  return {
    version: integer(turn, 'version'),
    clues: [
      ...looked.map((one) => ({ ...one, at: now })),
      ...seen.flatMap(sightingsOf),
      ...records,
    ],
    isMore: isMore || seen.length === sightingRowsMax,
    taken: { sightings: seen.map((row) => integer(row, 'id')), cursors, hasLooked },
  }
}

function sightingsOf(row: Row): readonly At<Sighting>[] {
  return JSON.parse(text(row, 'seen')) as readonly At<Sighting>[]
}

interface ReadRecords extends Pick<Taken, 'cursors'> {
  readonly records: readonly Clue[]
  readonly isMore: boolean
}

/**
 * The records of each chain behind the place to which it was judged. The numbers of a chain have no gaps and the order of
 * commits, which the ids of rows have not: who goes by those passes over what is committed late.
 */
async function readRecords(read: Query): Promise<ReadRecords> {
  const heads = (
    await read(
      `SELECT audit_chains.chain, audit_chains.seq
       FROM audit_chains LEFT JOIN anomaly_cursors AS judged ON judged.chain = audit_chains.chain
       WHERE audit_chains.seq > coalesce(judged.seq, 0) ORDER BY audit_chains.chain`,
    )
  ).map((row) => [text(row, 'chain'), integer(row, 'seq')] as const)
  if (heads.length === 0) return { records: [], cursors: [], isMore: false }
  const rows = await read(
    `SELECT events.chain, events.seq, events.at, events.kind, events.account_id, events.session_id, events.network
     FROM audit_chains LEFT JOIN anomaly_cursors AS judged ON judged.chain = audit_chains.chain
     JOIN events ON events.chain = audit_chains.chain AND events.seq > coalesce(judged.seq, 0)
     WHERE audit_chains.seq > coalesce(judged.seq, 0)
       AND events.kind IN (SELECT value FROM json_array_elements_text($1::json))
     ORDER BY events.chain, events.seq LIMIT $2`,
    [JSON.stringify(recordedKinds), recordsMax + 1],
  )
  const headOf = new Map(heads)
  // What was written since the heads were read is for the next turn.
  const judged = rows
    .slice(0, recordsMax)
    .filter((row) => integer(row, 'seq') <= (headOf.get(text(row, 'chain')) ?? 0))
  const isMore = rows.length > recordsMax
  const cursors = isMore ? cursorsOf(heads, judged) : heads
  return { records: judged.map(clueOf), cursors, isMore }
}

/**
 * Where each chain was read to, of more records than one turn takes: those before the last of them, in the order of the
 * reading, to their heads, and that one to this record. Those behind it were not read at all.
 */
function cursorsOf(
  heads: readonly (readonly [string, number])[],
  judged: readonly Row[],
): Taken['cursors'] {
  const last = judged.at(-1)
  if (last === undefined) return []
  const [chain, seq] = [text(last, 'chain'), integer(last, 'seq')]
  const before = heads.slice(
    0,
    heads.findIndex(([name]) => name === chain),
  )
  return [...before, [chain, seq]]
}

function clueOf(row: Row): At<Recorded> {
  return {
    kind: 'recorded',
    at: integer(row, 'at'),
    event: text(row, 'kind') as RecordedKind,
    record: `${text(row, 'chain')}:${integer(row, 'seq')}`,
    accountId: optionalText(row, 'account_id'),
    sessionId: optionalText(row, 'session_id'),
    network: optionalText(row, 'network'),
  }
}

async function takeVersion(query: Query, { version, taken }: Waiting): Promise<boolean> {
  const rows = await query(
    `UPDATE anomaly_turns SET version = version + 1,
       looked_at = CASE WHEN $2 = 1 THEN statement_now() ELSE looked_at END
     WHERE version = $1 RETURNING version`,
    [version, taken.hasLooked ? 1 : 0],
  )
  return rows.length === 1
}

async function moveOn(query: Query, { sightings, cursors }: Taken): Promise<void> {
  if (sightings.length > 0) {
    await query(
      `DELETE FROM sightings WHERE id IN (
         SELECT CAST(value AS bigint) FROM json_array_elements_text($1::json))`,
      [JSON.stringify(sightings)],
    )
  }
  for (const [chain, seq] of cursors) {
    await query(
      `INSERT INTO anomaly_cursors (chain, seq) VALUES ($1, $2)
       ON CONFLICT (chain) DO UPDATE SET seq = excluded.seq`,
      [chain, seq],
    )
  }
}

async function writeStates(query: Query, states: readonly WatchedState[]): Promise<void> {
  if (states.length === 0) return
  const rows = states.map(({ watcher, subject, state, until }) => [
    watcher,
    subject,
    JSON.stringify(state),
    until,
  ])
  await query(
    `INSERT INTO anomaly_states (watcher, subject, state, until_at)
     SELECT value ->> 0, value ->> 1, value ->> 2, CAST(value ->> 3 AS bigint)
     FROM jsonb_array_elements($1::jsonb) WHERE true
     ON CONFLICT (watcher, subject) DO UPDATE SET state = excluded.state, until_at = excluded.until_at`,
    [JSON.stringify(rows)],
  )
}

/** Answers the anomaly when it is a new one. */
async function keepFinding(
  query: Query,
  finding: CountedFinding,
  actionsOf: ActionsOf,
): Promise<Anomaly | 'too-many' | undefined> {
  const open = await openAnomaly(query, finding)
  if (open !== undefined) return prolong(query, open, finding)
  const [row] = await query(
    'SELECT count(*) AS opened FROM anomalies WHERE rule = $1 AND first_at > $2',
    [finding.rule, finding.at - hourMs],
  )
  const isTooMuch = row !== undefined && integer(row, 'opened') >= openedMax
  return isTooMuch ? 'too-many' : insertFinding(query, finding, actionsOf)
}

/** Those of one rule that are not told apart, as one. What was counted of each says nothing of all of them. */
function withOther(
  others: ReadonlyMap<RuleId, CountedFinding>,
  finding: CountedFinding,
): CountedFinding {
  const { reason: _several, counts: _apart, ...evidence } = finding.evidence
  const before = others.get(finding.rule)
  if (before === undefined) return { ...finding, subject: manyOthers, evidence }
  return {
    ...before,
    at: Math.max(before.at, finding.at),
    firstAt: Math.min(before.firstAt, finding.firstAt),
    times: before.times + finding.times,
    evidence: mergeEvidence(before.evidence, evidence),
  }
}

async function insertFinding(
  query: Query,
  finding: CountedFinding,
  actionsOf: ActionsOf,
): Promise<Anomaly> {
  const { rule } = finding
  const { severity, about } = rules[rule]
  // Of those that are not told apart nobody in particular can be meant.
  const wanted = actionsOf(rule)
  const actions = finding.subject === manyOthers ? wanted.filter((one) => one === 'alert') : wanted
  const [inserted] = await query(
    `INSERT INTO anomalies (rule, severity, about, subject, evidence, first_at, last_at, times, actions)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING *`,
    [
      rule,
      severity,
      about,
      finding.subject,
      JSON.stringify(finding.evidence),
      finding.firstAt,
      finding.at,
      finding.times,
      actions.length === 0 ? null : JSON.stringify(actions),
    ],
  )
  return anomalyOf(inserted ?? {})
}

async function openAnomaly(query: Query, finding: CountedFinding): Promise<Row | undefined> {
  const { rule, subject, evidence } = finding
  // One for each reason, and of those there are few.
  const rows = await query(
    `SELECT id, evidence FROM anomalies WHERE rule = $1 AND subject = $2 AND last_at > $3
     ORDER BY id DESC`,
    [rule, subject, goesOnSince(finding)],
  )
  return rows.find((row) => evidenceIn(row).reason === evidence.reason)
}

async function prolong(query: Query, open: Row, finding: CountedFinding): Promise<undefined> {
  const evidence = mergeEvidence(evidenceIn(open), finding.evidence)
  await query(
    `UPDATE anomalies SET evidence = $2, last_at = greatest(last_at, $3), times = times + $4 WHERE id = $1`,
    [integer(open, 'id'), JSON.stringify(evidence), finding.at, finding.times],
  )
  return undefined
}
