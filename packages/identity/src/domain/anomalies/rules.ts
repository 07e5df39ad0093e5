/*
 * The table of rules: what each means, when it holds, and what to do then. `docs/anomalies.md` shows it, a test holds
 * the two together. How a rule is judged is in the file of what it looks at (`login-watchers`, `session-watchers`, …).
 */

export const severities = ['notice', 'warning', 'critical'] as const
/** `notice`: a fact that its owner may want to know. From `warning` on somebody should look at it. */
export type Severity = (typeof severities)[number]

/** What may be done without a person; `alert` tells the streams that want it. */
export type AutomaticAction = 'alert' | 'end-session' | 'block-account'

interface RuleFacts {
  readonly severity: Severity
  /** What it is, in the words of an operator. */
  readonly meaning: string
  /** From when on it holds; `{name}` stands for the setting `anomalies.name`. */
  readonly when: string
  /** For so long after it was last seen the same is still the same, and is not told again. */
  readonly sameMinutes: number
  readonly suggestion: string
}

/** Strangers can cause what it sees, and aim it at somebody. So nothing may follow for whom it is about. */
export interface ForgeableRule extends RuleFacts {
  readonly evidence: 'strangers'
  readonly about: 'network' | 'account' | 'client' | 'key' | 'issuer'
  readonly may: readonly 'alert'[]
}

/** Only somebody who has a secret of that very account or session can cause what it sees. */
export interface ProvenRule extends RuleFacts {
  readonly evidence: 'holders'
  readonly about: 'session' | 'account'
  readonly may: readonly AutomaticAction[]
}

export type Rule = ForgeableRule | ProvenRule

/** Of these alone something may follow by itself for whom they are about. */
export type ProvenRuleId = 'refresh-reuse' | 'session-in-several-networks' | 'new-device'

export type ForgeableRuleId =
  | 'credential-stuffing'
  | 'guessed-login'
  | 'guessing-from-many-networks'
  | 'token-volume'
  | 'refused-tokens'
  | 'clock-apart'
  | 'key-overdue'
  | 'follower-behind'
  | 'history-lost'

export type RuleId = ProvenRuleId | ForgeableRuleId

export const rules: Readonly<
  Record<ProvenRuleId, ProvenRule> & Record<ForgeableRuleId, ForgeableRule>
> = {
  'refresh-reuse': {
    severity: 'critical',
    meaning: 'an old refresh token came back: somebody else has one; its session was ended',
    when: 'at once',
    about: 'account',
    evidence: 'holders',
    may: ['alert', 'block-account'],
    sameMinutes: 60,
    suggestion:
      'Ask the owner whether the devices are theirs, and end all sessions of the account if in doubt.',
  },
  'credential-stuffing': {
    severity: 'critical',
    meaning: 'many accounts are tried from one network (/24 or /48), and hardly any with success',
    when: '{accountsPerNetworkMin} accounts within 60 minutes, none of which got in since, and at least twice as many wrong passwords as accounts that got in',
    about: 'network',
    evidence: 'strangers',
    may: ['alert'],
    sameMinutes: 60,
    suggestion:
      'Block the network in front of identity, and look who has signed in from it (`guessed-login`).',
  },
  'guessed-login': {
    severity: 'critical',
    meaning:
      'an account was signed in to that was never seen at that address, from a network in which `credential-stuffing` goes on',
    when: 'at once',
    about: 'account',
    // Whoever shares a network with the victim can let it look so.
    evidence: 'strangers',
    may: ['alert'],
    sameMinutes: 60,
    suggestion:
      'Force a new password (`portcullis accounts reset`): the old one is in a list that is for sale.',
  },
  'guessing-from-many-networks': {
    severity: 'warning',
    meaning: 'one account is tried from many networks (/24 or /48)',
    when: '{networksPerAccountMin} networks with wrong passwords within 60 minutes',
    about: 'account',
    evidence: 'strangers',
    may: ['alert'],
    sameMinutes: 60,
    suggestion:
      'Nothing for the owner: guesses are delayed. See to a second factor, and to what makes the account worth it.',
  },
  'session-in-several-networks': {
    severity: 'warning',
    meaning: 'one session is used from several networks at once, as if somebody had copied it',
    when: '{networkChangesMin} changes from one network (/24 or /48) to another within 10 minutes; one between places counts twice where a locator is plugged in, and one within a place does not count',
    about: 'session',
    evidence: 'holders',
    may: ['alert', 'end-session', 'block-account'],
    sameMinutes: 60,
    suggestion: 'End the session (`portcullis sessions end`), and ask the owner to sign in again.',
  },
  'new-device': {
    severity: 'notice',
    meaning: 'an account has signed in with a device and from an address that it never had',
    when: 'at once; the first login of an account teaches what is usual, for 90 days after the last',
    about: 'account',
    evidence: 'holders',
    may: ['alert'],
    sameMinutes: 60,
    suggestion: 'Tell the owner, who knows whether it was them.',
  },
  'token-volume': {
    severity: 'warning',
    meaning: 'a machine client takes far more tokens than ever: its secret may be in other hands',
    when: '{tokensMin} tokens within an hour, and {tokensTimesUsual} times its fullest hour of the last 8 days; a client that is known for less than two days is not judged',
    about: 'client',
    evidence: 'strangers',
    may: ['alert'],
    sameMinutes: 180,
    suggestion:
      'Ask who runs it. If nobody knows: `portcullis clients rotate-secret`, and revoke the old one.',
  },
  'refused-tokens': {
    severity: 'warning',
    meaning:
      'a service reports that it refuses far more tokens than ever for one reason: somebody tries forged, stolen or foreign ones, something was set up wrong, or the report is false',
    when: '{refusalsMin} refusals in the reports of 10 minutes, of which those of 100 seconds count for a third at most, and {refusalsTimesUsual} times the fullest ten minutes of the last 8 days; `expired`, `revoked` and `stale` are judged after two days',
    about: 'client',
    evidence: 'strangers',
    may: ['alert'],
    sameMinutes: 60,
    suggestion:
      'Look into the log of the service for who sends them; if it knows of none, somebody else has its credential. `bad-signature` and `unknown-key`: an attack, or a foreign issuer; `wrong-audience`: a client that was set up wrong; `stale`: its feed.',
  },
  'clock-apart': {
    severity: 'warning',
    meaning: 'the clock of a service is not that of identity: tokens end early or late for it',
    when: '{clockApartSeconds} seconds apart, in reports over half a minute and more',
    about: 'client',
    evidence: 'strangers',
    may: ['alert'],
    sameMinutes: 60,
    suggestion:
      'Set the clock of that machine right (NTP). If all services are apart, it is the clock of identity.',
  },
  'key-overdue': {
    severity: 'warning',
    meaning: 'a key signs for longer than `keyRotationDays` allows: rotation does not work',
    when: '{keyOverdueHours} hours over its age',
    about: 'key',
    evidence: 'strangers',
    may: ['alert'],
    sameMinutes: 1440,
    suggestion:
      'Look for errors of the keyring in the log, then rotate by hand (`portcullis keys rotate`).',
  },
  'follower-behind': {
    severity: 'warning',
    meaning:
      'a service reports that it lacks revocations: it refuses older tokens soon, or accepts revoked ones if it was told to',
    when: '{followerBehindSeconds} seconds after a revocation or a new epoch it has not come there, and still reports',
    about: 'client',
    evidence: 'strangers',
    may: ['alert'],
    sameMinutes: 30,
    suggestion: 'Look at its log and at what lies between it and identity (`docs/relays.md`).',
  },
  'history-lost': {
    severity: 'critical',
    meaning: 'the database has lost what it had acknowledged',
    when: 'at once: a refresh token was ahead of its session, or a new epoch began',
    about: 'issuer',
    evidence: 'strangers',
    may: ['alert'],
    sameMinutes: 60,
    suggestion:
      'If you have just put a backup back, this is it. Else find out which server took over and what it lacks. Nothing else is to be done for tokens: what was lost has been made worthless.',
  },
}

export const ruleIds: readonly RuleId[] = Object.keys(rules) as RuleId[]

export function isRuleId(text: string): text is RuleId {
  return Object.hasOwn(rules, text)
}

/** Rules that operators may let do this by themselves. */
export function rulesThatMay(action: AutomaticAction): readonly RuleId[] {
  return ruleIds.filter((id) => {
    const { may }: Rule = rules[id]
    return may.some((one) => one === action)
  })
}

/** What operators may choose; each is a setting `anomalies.…`. */
export interface AnomalyBounds {
  readonly accountsPerNetworkMin: number
  readonly networksPerAccountMin: number
  readonly networkChangesMin: number
  readonly tokensMin: number
  readonly tokensTimesUsual: number
  readonly refusalsMin: number
  readonly refusalsTimesUsual: number
  readonly clockApartSeconds: number
  readonly keyOverdueHours: number
  readonly followerBehindSeconds: number
}
