const many = (count: number, one: string, more: string): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : more}`

/** 31 ms, 2.4 s, 1.5 min: as short as it can be read, never broken, and never less than it is. */
function duration(ms: number): string {
  const tenths = (unitMs: number): number => Math.ceil((ms / unitMs) * 10) / 10
  if (ms < 1000) return `${Math.ceil(ms)}\u00A0ms`
  if (ms < 60_000) return `${tenths(1000)}\u00A0s`
  if (ms < 3_600_000) return `${tenths(60_000)}\u00A0min`
  return `${tenths(3_600_000)}\u00A0h`
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
  /** Of a moment to come. */
  countdown: (ms: number): string =>
    ms <= 120_000 ? `${Math.ceil(ms / 1000)}\u00A0s` : duration(ms),
  kindOf: (kind: string): string => kinds[kind] ?? kind,

  travelling: 'Telling every service',
  verdicts: {
    nobody: 'Nobody follows the revocations: no service had to be told',
    everywhere: 'Refused everywhere',
    within: (time: string): string => `Refused everywhere within ${time}`,
    since: (moment: string): string => `Refused everywhere since ${moment}`,
    refuseIt: (some: number, all: number): string =>
      `${some.toLocaleString('en')} of ${many(all, 'service refuses', 'services refuse')} it.`,
    many: (late: number): string => late.toLocaleString('en'),
    lateOne: (name: string, by: string | undefined): string =>
      by === undefined
        ? `${name} has not said so, and goes on without the feed for ever`
        : `${name} has not said so: by ${by} it refuses by itself`,
    lateMany: (count: string, by: string | undefined): string =>
      by === undefined
        ? `${count} have not said so, and not each of them refuses by itself`
        : `${count} have not said so: by ${by} they refuse by themselves`,
  },
  details: {
    revoked: (moment: string): string => `Revoked at ${moment}.`,
    since: (all: number, moment: string): string =>
      all === 1
        ? `The one service that follows refuses it since ${moment}.`
        : `All ${all.toLocaleString('en')} services that follow refuse it since ${moment}.`,
    told: (timed: number, within: string | undefined): string =>
      within === undefined
        ? 'Nobody has said so yet.'
        : `${many(timed, 'service', 'services')} said so within ${within}.`,
    silent: (count: number): string =>
      count === 1
        ? 'One has not, and refuses it by itself.'
        : `${count.toLocaleString('en')} have not, and refuse it by themselves.`,
    timeless: (timed: number, within: string | undefined): string =>
      within === undefined
        ? 'How long it took is not known any more.'
        : `${many(timed, 'service', 'services')} took ${within} at most; of the others no time is known: they began later, or it is too long ago.`,
    nobody:
      'Identity refuses it since then. A service that verifies tokens without following goes on until they expire.',
  },
  marks: {
    applied: (count: number): string => many(count, 'refuses it', 'refuse it'),
    unknown: (count: number): string => many(count, 'has not said so yet', 'have not said so yet'),
    refusing: (count: number): string =>
      many(count, 'refuses it by itself', 'refuse it by themselves'),
    timeless: (count: number): string =>
      `${many(count, 'of them has', 'of them have')} no known time`,
  },
  figures: { half: 'Half of them (p50)', nearlyAll: '99 of 100 (p99)', slowest: 'The slowest' },
  notYet: 'not yet',
  noTime: 'no time',
  byItself: 'by itself',
  replay: 'Play it again',
  drawing: (applied: number, slowest: string): string =>
    `Each follower as a dot at the time it took: ${applied} by ${slowest}. The same is in the table below.`,
  drawingTimeless: 'Of nobody it is known how long it took. The same is in the table below.',
  asTable: 'The same as a table',
  tableCaption: 'What each follower has done about this revocation',
  tableIsPart: (shown: number, all: number): string =>
    `${shown} of ${all.toLocaleString('en')}: who has not said so, and then the slowest.`,
  columns: { follower: 'Follower', software: 'Software', state: 'State', after: 'After' },
  states: {
    applied: 'refuses it',
    unknown: 'has not said so',
    refusing: 'refuses it by itself',
  },
  silent: 'Not heard of',
  moreSilent: (count: number): string => `and ${count.toLocaleString('en')} more`,
  until: (moment: string, left: string): string => `refuses by itself at ${moment}, in ${left}`,
  untilNow: (moment: string): string => `refuses by itself at ${moment}: any moment now`,
  since: (moment: string): string => `refuses by itself since ${moment}`,
  heardOf: (moment: string): string => `last heard of at ${moment}`,
  never: 'goes on for ever without the feed',
  reconnecting: 'It is asked again by itself.',
  gone: 'Nothing is known of it any more: every token that it was about has expired, or the log has begun anew since. None of them is accepted anywhere.',
  notPosition: 'This address names no revocation.',

  ofAccount: 'of',
  about: 'What was revoked',
  wave: 'How a revocation travelled',
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
    notCurrent: (count: number): string => `${count.toLocaleString('en')} not up to date`,
    noClient: 'without a client',
    noSoftware: 'not said',
    groups: 'Groups of followers',
    ofClient: 'Of the client',
    show: 'Show',
    showAll: 'All of them',
    showTrouble: (count: number): string => `Not up to date (${count.toLocaleString('en')})`,
    showStanding: (standing: string, count: number): string =>
      `${standing} (${count.toLocaleString('en')})`,
    standingNames: {
      current: 'Up to date',
      behind: 'Behind',
      silent: 'Silent',
      elsewhere: 'In an older log',
    },
    columns: {
      follower: 'Follower',
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
    checkpointAge: (text: string): string => `checkpoint ${text}\u00A0old`,
    stale: (text: string): string => `refuses after ${text}`,
    never: 'goes on for ever',
    noneFit: 'None of the followers is like that.',
  },

  recent: {
    title: 'In force now, the newest first',
    none: 'Nothing that was revoked has tokens that could still live.',
    columns: { at: 'When', what: 'What', reason: 'Why', actor: 'By', wave: 'Wave' },
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
