const many = (count: number, one: string, more: string): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : more}`

/** 31 ms, 2.4 s, 3 min: as short as it can be read, and never broken. */
function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}\u00A0ms`
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(1))}\u00A0s`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)}\u00A0min`
  return `${Math.round(ms / 3_600_000)}\u00A0h`
}

const kinds: Readonly<Record<string, string>> = {
  session: 'Session',
  account: 'Account',
  client: 'Machine client',
  token: 'Token',
  key: 'Signing key',
  all: 'Every token',
}

export const revocations = {
  title: 'Revocations',
  duration,
  kindOf: (kind: string): string => kinds[kind] ?? kind,

  waiting: 'Telling every service',
  everywhere: (ms: number): string => `Every service refuses it, after ${ms} ms at most`,
  everywhereNobody: 'Nobody follows the revocations: no service had to be told.',
  everywhereRefusing: (count: number): string =>
    `No service accepts it: ${many(count, 'one that has not heard of it refuses', 'that have not heard of it refuse')} everything by now`,
  partly: (applied: number, unknown: number): string =>
    `${many(applied, 'follower refuses', 'followers refuse')} it, ${many(unknown, 'has', 'have')} not said so yet`,
  marks: {
    applied: (count: number): string => many(count, 'has it', 'have it'),
    unknown: (count: number): string => many(count, 'has not said so yet', 'have not said so yet'),
    refusing: (count: number): string =>
      many(
        count,
        'refuses everything until it hears again',
        'refuse everything until they hear again',
      ),
  },
  figures: { half: 'Half of them (p50)', nearlyAll: '99 of 100 (p99)', slowest: 'The slowest' },
  notYet: 'not yet',
  replay: 'Play it again',
  drawing: (applied: number, slowest: string): string =>
    `Each follower as a dot at the time it took: ${applied} by ${slowest}. The same is in the table below.`,
  drawingNobody: 'Nobody has it yet. The same is in the table below.',
  asTable: 'The same as a table',
  tableCaption: 'What each follower has done about this revocation',
  tableIsPart: (shown: number, all: number): string =>
    `${shown} of ${all}: who has not said so, and then the slowest.`,
  columns: { follower: 'Follower', software: 'Software', state: 'State', after: 'After' },
  states: {
    applied: 'refuses it',
    unknown: 'has not said so',
    refusing: 'refuses everything',
  },
  stragglers: 'Not heard of yet',
  moreStragglers: (count: number): string => `and ${count} more`,
  until: (moment: string, left: string): string => `refuses by itself at ${moment}, in ${left}`,
  untilNow: (moment: string): string => `refuses by itself at ${moment}: any moment now`,
  never: 'goes on for ever without the feed',
  reconnecting: 'It is asked again by itself.',
  gone: 'Nothing is known of it any more: every token that it was about has expired, or the log has begun anew since. None of them is accepted anywhere.',
  notPosition: 'This address names no revocation.',

  wave: 'How a revocation travelled',
  atFollowers: 'At those who follow',
  backToAll: 'All revocations',
  seeWave: 'See its wave',
  keepWave: 'Its page',

  followers: {
    title: 'Who follows',
    none: 'Nobody follows the revocations. A service that should is named on no line here: see whether it runs, and whether it may read the feed.',
    more: (count: number): string => `The first ${count.toLocaleString('en')} are shown.`,
    summary: (all: number): string => many(all, 'follower', 'followers'),
    allCurrent: 'all are up to date',
    behind: (count: number): string => many(count, 'is behind', 'are behind'),
    silent: (count: number): string => many(count, 'is silent', 'are silent'),
    elsewhere: (count: number): string => many(count, 'is in an older log', 'are in an older log'),
    notCurrent: (count: number): string => many(count, 'is not up to date', 'are not up to date'),
    noClient: 'without a client',
    groups: 'Groups of followers',
    ofClient: 'Of the client',
    show: 'Show',
    showAll: 'All of them',
    showTrouble: 'Those that are not up to date',
    columns: {
      follower: 'Follower',
      software: 'Software',
      position: 'Position',
      report: 'Last report',
      staleness: 'Without the feed',
    },
    standings: {
      current: 'up to date',
      behind: (count: number): string => `${count.toLocaleString('en')} behind`,
      silent: 'silent',
      elsewhere: 'in an older log',
    },
    at: (seq: number): string => `at ${seq}`,
    checkpointAge: (text: string): string => `checkpoint ${text} old`,
    stale: (text: string): string => `refuses after ${text}`,
    never: 'goes on for ever',
    allFit: 'Every follower is up to date.',
  },

  recent: {
    title: 'In force now, the newest first',
    none: 'Nothing that was revoked has tokens that could still live.',
    columns: { at: 'When', what: 'What', reason: 'Why', actor: 'By', wave: 'Wave' },
    ofAccount: 'of',
    seen: (what: string, moment: string): string => `The wave of ${what}, ${moment}`,
  },
  facts: {
    what: 'What',
    account: 'Account',
    cause: 'Cause',
    reason: 'Why',
    actor: 'By',
    committed: 'Revoked',
    until: 'In force until',
    position: 'Position in the log',
    forEver: 'for ever',
  },
}
