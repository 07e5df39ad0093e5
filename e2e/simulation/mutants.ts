import { fileURLToPath } from 'node:url'
import { runShare } from './campaign.ts'

/** A rule that is broken on purpose, by other words in one file of production code. */
export interface Mutant {
  readonly rule: string
  /** Under `packages/`. */
  readonly file: string
  /** Each text stands there once, and what stands there instead. */
  readonly changes: readonly (readonly [from: string, to: string])[]
}

const verify = 'verify/src'
const store = 'identity/src/store'

export const mutants: readonly Mutant[] = [
  {
    rule: 'a token that comes again is judged again',
    file: `${verify}/audience-verifier.ts`,
    changes: [
      [
        'const refusal = refusalOf(known.signed)\n',
        'const refusal: VerifyError | undefined = undefined\n',
      ],
    ],
  },
  {
    rule: 'whatever lives on a token is asked again every second',
    file: `${verify}/revocation/watch.ts`,
    changes: [
      ['cancelTimer ??= repeat(recheck, recheckMs, timers)', 'cancelTimer ??= () => undefined'],
    ],
  },
  {
    rule: 'iat is from before what the token vouches for was read',
    file: 'identity/src/domain/access-tokens.ts',
    changes: [['Math.floor(readAt / 1000))', 'Math.floor(readAt / 1000) + 4)']],
  },
  {
    rule: 'a checkpoint is as old as it says, and not as the moment in which it came',
    file: `${verify}/revocation/freshness.ts`,
    changes: [['      vouchedAtMs = atMs\n', '      vouchedAtMs = wall()\n']],
  },
  {
    rule: 'a wall clock that is set back prolongs nothing',
    file: `${verify}/revocation/freshness.ts`,
    changes: [['nowMs: Math.max(wallMs, issuerNow())', 'nowMs: wallMs']],
  },
  {
    rule: 'nothing is applied before its checkpoint is the issuer’s',
    file: `${verify}/revocation/checkpoint-keys.ts`,
    changes: [
      [
        'if (!algorithm.verify(publicKey, jws.signingInput, jws.signature)) {',
        'if (algorithm.name === undefined) {',
      ],
    ],
  },
  {
    rule: 'the chain covers every octet of the records',
    file: `${verify}/revocation/followed-log.ts`,
    changes: [
      [
        'return chain === checkpoint.chain ? news : undefined',
        'return chain === undefined ? undefined : news',
      ],
    ],
  },
  {
    rule: 'the records of a snapshot are those of its manifest',
    file: `${verify}/revocation/snapshots.ts`,
    changes: [
      ['if (manifest.sha256 !== snapshot.sha256) {', 'if (manifest.sha256 === undefined) {'],
    ],
  },
  {
    rule: 'an earlier checkpoint is late and ignored',
    file: `${verify}/revocation/followed-log.ts`,
    changes: [["if (next.at < held.at) return 'late'", "if (next.at < 0) return 'late'"]],
  },
  {
    rule: 'a snapshot is joined with what is held, which stays until it ends',
    file: `${verify}/revocation/followed-log.ts`,
    changes: [['table.sweep(checkpoint.at - clockDifferenceMsMax)', 'table.sweep(Infinity)']],
  },
  {
    rule: 'a key that the last checkpoint does not list is withdrawn, whatever a key set says',
    file: `${verify}/revocation/rule.ts`,
    changes: [
      [
        'isWithdrawn: (kid) => liveKids.kids()?.includes(kid) === false || table.revokesKey(kid),',
        'isWithdrawn: (kid) => kid === undefined,',
      ],
    ],
  },
  {
    rule: 'a key that nobody has confirmed for a quarter of an hour is not used',
    file: `${verify}/issuer/held-key-set.ts`,
    changes: [['keysStaleMsMax = 900_000', 'keysStaleMsMax = 9_000_000']],
  },
  {
    rule: 'the floor of an account takes every token below it',
    file: `${verify}/revocation/table.ts`,
    changes: [
      [
        'if (gen < account.floorOf(asked.account)) return true',
        'if (gen < account.floorOf(asked.account) - 1) return true',
      ],
    ],
  },
  {
    rule: 'the floor of a client takes what it acts in',
    file: `${verify}/revocation/table.ts`,
    changes: [['if (asked.hasActors && isActorBelow(asked.claims, cgen)) return true', '']],
  },
  {
    rule: 'another epoch takes everything from before',
    file: `${verify}/revocation/table.ts`,
    changes: [['allFloor = Math.max(allFloor, floor)', 'allFloor = Math.min(allFloor, floor)']],
  },
  {
    rule: 'a record is held until the last of its minutes is over',
    file: `${verify}/revocation/fingerprint-table.ts`,
    changes: [
      ['Math.ceil((until ?? Infinity) / minuteMs)', 'Math.floor((until ?? Infinity) / minuteMs)'],
    ],
  },
  {
    rule: 'a service never goes back to an epoch that is over',
    file: `${verify}/revocation/followed-log.ts`,
    changes: [
      [
        'if (!left.has(manifest.epoch)) return manifest.at < knownMs',
        'if (knownMs > 0) return false',
      ],
    ],
  },
  {
    rule: 'a checkpoint is a durable write',
    file: `${store}/revocations.ts`,
    changes: [
      [
        'const head = await touch(database.ahead.write)',
        'const head = await readHead(database.ahead.read)',
      ],
      [
        'return { head: headOf(row), records: recordsOf(row ?? {}) }',
        'return { head: { ...headOf(row), at: await readClock(database.read) }, records: recordsOf(row ?? {}) }',
      ],
    ],
  },
  {
    rule: 'a snapshot is of one log, also where a server that was left behind still answers',
    file: `${store}/records-in-force.ts`,
    changes: [
      ['if (!hasAllOf(to, head)) return false', 'if (to.seq < 0) return hasAllOf(to, head)'],
    ],
  },
  {
    rule: 'that nothing is left to revoke is said after a write',
    file: `${store}/revocations.ts`,
    changes: [
      ['const { epoch, seq } = await touch(query)', 'const { epoch, seq } = await readHead(query)'],
    ],
  },
  {
    rule: 'what a service has kept on its disk is joined',
    file: `${verify}/revocation/followed-log.ts`,
    changes: [
      [
        'if (!(await joinAll(table, [bytes], timers)).areRead) return',
        'if (bytes === undefined) return',
      ],
    ],
  },
  {
    rule: 'what a service has kept on its disk comes before anything newer',
    file: `${verify}/revocation/follower.ts`,
    changes: [['    await options.restore()\n', '    void options.restore()\n']],
  },
  {
    rule: 'the records that are kept are all those of their checkpoint',
    file: `${verify}/revocation/state-keeper.ts`,
    changes: [
      [
        'const bytes = await file.write(checkpoint, table.records())',
        `const records = [...table.records()]
    await new Promise<void>((resolve) => void timers.schedule(resolve, 2_000))
    const bytes = await file.write(log.checkpoint() ?? checkpoint, records)`,
      ],
    ],
  },
  {
    rule: 'a receipt is of whoever has come to that place',
    file: `${store}/receipts.ts`,
    changes: [['position.seq >= seq', 'position.seq >= seq - 1']],
  },
  {
    rule: 'a receipt is of the epoch of its place',
    file: `${store}/receipts.ts`,
    changes: [['position.epoch === epoch && ', '']],
  },
  {
    rule: 'a follower that has reported is waited for',
    file: `${store}/receipts.ts`,
    changes: [
      [
        'receipts.push(receiptOf(row))',
        "if (receiptOf(row).state.kind !== 'unknown') receipts.push(receiptOf(row))",
      ],
    ],
  },
  {
    rule: 'a record stays as long as the longest token that was ever allowed',
    file: `${store}/epochs.ts`,
    changes: [['greatest(access_token_seconds_max, $1)', '$1']],
  },
  {
    rule: 'another epoch begins when history may have been lost',
    file: `${store}/lost-history.ts`,
    changes: [
      [
        'return lineageFault(found.lineage, known.lineage) ?? lossBehind(found, known)',
        'return known.mark === undefined && known.highWater.isKept ? lossBehind(found, known) : undefined',
      ],
    ],
  },
  {
    rule: 'another epoch starts above every generation before it',
    file: `${store}/epochs.ts`,
    changes: [
      [
        'const base = Math.max(highestBase + step, clockBase(now + clocksApartMs))',
        'const base = Math.max(highestBase, step - step)',
      ],
    ],
  },
  {
    rule: 'a token that is minted by reading alone is vouched for by the last durable write',
    file: 'identity/src/domain/token-exchange.ts',
    changes: [
      [
        'Math.min(client.vouchedAt, standing.vouchedAt)',
        'Math.min(client.readAt, standing.readAt)',
      ],
    ],
  },
  {
    rule: 'a token has the generation of its account at the moment of minting',
    file: 'identity/src/domain/session-tokens.ts',
    changes: [['generation: account.generation,', 'generation: session.generation,']],
  },
]

export interface MutantRun {
  readonly seed: number
  /** Only those whose rule has these words. */
  readonly words: string
  /** How many schedules each may live through. */
  readonly schedules: number
  readonly tell: (line: string) => void
}

/** Breaks each rule in a process of its own, and answers those that no schedule has noticed. */
export async function runMutants({
  seed,
  schedules,
  words,
  tell,
}: MutantRun): Promise<readonly string[]> {
  const waiting = mutants.filter(({ rule }) => rule.includes(words))
  if (waiting.length === 0) throw new TypeError(`no rule has the words ${words}`)
  const survivors: string[] = []
  const takeTurns = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const noticed = await schedulesUntilNoticed(mutant, seed, schedules)
      if (noticed.failure === undefined) survivors.push(mutant.rule)
      const how = noticed.failure === undefined ? 'NOT NOTICED' : `noticed: ${noticed.failure.why}`
      tell(`${mutant.rule}\n  broken, after ${noticed.lived} schedules ${how.split('\n')[0]}\n`)
    }
  }
  await Promise.all([takeTurns(), takeTurns()])
  return survivors
}

/** Lives through schedules with the rule broken, until one notices it. */
export function schedulesUntilNoticed(
  { file, changes }: Pick<Mutant, 'file' | 'changes'>,
  seed: number,
  schedules: number,
): ReturnType<typeof runShare> {
  const loader = fileURLToPath(new URL('breaking.ts', import.meta.url))
  return runShare({ seed, first: 0, step: 1, until: schedules }, new Set(), {
    loader,
    shrinks: false,
    env: { PORTCULLIS_MUTANT: JSON.stringify({ file, changes }) },
  })
}
