export interface RuleWords {
  readonly name: string
  readonly meaning: string
  readonly toDo: string
}

/** A rule that is not here is shown by its code, and with what the issuer suggests. */
const rules: Readonly<Record<string, RuleWords>> = {
  'refresh-reuse': {
    name: 'Refresh token used twice',
    meaning: 'An old refresh token came back: somebody else has one. Its session was ended.',
    toDo: 'Ask the owner whether the devices are theirs. If in doubt, sign the account out everywhere.',
  },
  'credential-stuffing': {
    name: 'Passwords tried on many accounts',
    meaning: 'Many accounts are tried from one network, and hardly any with success.',
    toDo: 'Block the network in front of identity, and look who has signed in from it: those are found as “Guessed sign-in”.',
  },
  'guessed-login': {
    name: 'Guessed sign-in',
    meaning:
      'An account was signed in to at an address that it never had, from a network that tries the passwords of many.',
    toDo: 'Reset the password: the old one is in a list that is for sale.',
  },
  'guessing-from-many-networks': {
    name: 'One account tried from many networks',
    meaning: 'The password of one account is guessed from many networks.',
    toDo: 'There is nothing for the owner to do: guesses are delayed. Think of a second factor, and of what makes the account worth it.',
  },
  'session-in-several-networks': {
    name: 'Session in several networks',
    meaning: 'One session is used from several networks at once, as if somebody had copied it.',
    toDo: 'End the session, and ask the owner to sign in again.',
  },
  'new-device': {
    name: 'New device',
    meaning: 'An account has signed in with a device and from an address that it never had.',
    toDo: 'Ask the owner whether it was them. If it was not, sign the account out everywhere.',
  },
  'token-volume': {
    name: 'Far more tokens than ever',
    meaning:
      'A machine client takes far more tokens than it ever did. Its secret may be in other hands.',
    toDo: 'Ask who runs it. If nobody knows, disable the client, and give it another secret.',
  },
  'refused-tokens': {
    name: 'Service refuses many tokens',
    meaning:
      'A service reports that it refuses far more tokens than ever for one reason: somebody tries forged, stolen or foreign ones, something was set up wrong, or the report is false.',
    toDo: 'Look into the log of the service for who sends them; if it knows of none, somebody else has its credential. A wrong signature or an unknown key is an attack or a foreign issuer; a wrong audience, a client that was set up wrong.',
  },
  'clock-apart': {
    name: 'Clock apart',
    meaning: 'The clock of a service is not that of identity. Tokens end early or late for it.',
    toDo: 'Set the clock of that machine right (NTP). If all services are apart, it is the clock of identity.',
  },
  'key-overdue': {
    name: 'Key not rotated',
    meaning: 'A key signs for longer than the settings allow: rotation does not work.',
    toDo: 'Look for errors of the keyring in the log of identity, then rotate the key here.',
  },
  'follower-behind': {
    name: 'Service lacks revocations',
    meaning:
      'A service reports that it lacks revocations. It refuses older tokens soon, or accepts revoked ones if it was told to.',
    toDo: 'Look at its log, and at what lies between it and identity. The page of revocations shows where each service is.',
  },
  'history-lost': {
    name: 'Database lost history',
    meaning: 'The database has lost what it had acknowledged.',
    toDo: 'Find out which server took over and what it lacks. Nothing is to be done for tokens: what was lost has been made worthless.',
  },
}

function together(name: string, count: string): string {
  return `${name}: ${count}`
}

function called(name: string): (count: string) => string {
  return (count) => together(name, count)
}

/** What rules count; of what is not here the name is shown. */
const counts: Readonly<Record<string, (count: string) => string>> = {
  accounts: called('Accounts tried'),
  wrong_passwords: called('Wrong passwords'),
  logins: called('Accounts that got in'),
  networks: called('Networks'),
  changes: called('Changes of the network'),
  tokens_in_an_hour: called('Tokens in the hour'),
  usual_in_an_hour: called('Tokens in its fullest hour before'),
  usual: called('In its fullest ten minutes before'),
  apart_ms: called('Milliseconds apart'),
  ahead: () => 'Its clock is ahead',
  late: () => 'Its clock is behind',
  seconds: called('Seconds behind'),
  revocations: called('Revocations that it lacks'),
  hours: called('Hours overdue'),
}

export const anomalies = {
  title: 'Anomalies',
  rules,
  rule: { label: 'Rule', any: 'Every rule' },
  severity: { label: 'Severity', any: 'Every severity' },
  since: {
    label: 'Seen',
    any: 'Whenever',
    hours: { '1': 'In the last hour', '24': 'In the last day', '168': 'In the last week' },
  },
  severities: { notice: 'notice', warning: 'warning', critical: 'critical' },
  columns: {
    rule: 'What',
    severity: 'Severity',
    subject: 'About',
    lastSeen: 'Last seen',
    count: 'Times',
    actions: 'Actions',
  },
  none: 'No rule has found anything that fits.',
  back: 'All anomalies',
  gone: 'There is no anomaly of this id, or it is not kept any more.',
  toDo: 'What to do',
  evidence: 'Evidence',
  facts: {
    about: 'About',
    reportedBy: 'Reported by',
    first: 'First seen',
    last: 'Last seen',
    count: 'Times',
    networks: 'Networks',
    accounts: 'Accounts',
    sessions: 'Sessions',
    followers: 'Services',
    reason: 'Reason',
    counts: 'Counted',
    done: 'Done by itself',
    id: 'Rule',
  },
  counts,
  counted: together,
  doneSince: {
    title: 'Done since',
    by: 'by',
    signedIn: 'by somebody signed in to it',
    itself: 'by itself',
  },
  again: (action: string): string => `${action} again`,
  done: {
    told: 'the streams were told',
    ended: 'the session was ended',
    blocked: 'the account was blocked',
    spared: 'nothing: it is an administrator',
    'too-many': 'nothing: too much was done in this hour already',
    gone: 'nothing: it was gone already',
  },
  records: 'Records of the audit',
  noRecords: 'No record of the audit led to it.',
  recordGone: 'This record is not kept any more.',
  history: 'Audit of the time around it',
  subjects: {
    others: 'several, too many to tell apart',
    unnamed: 'a service without a client',
  },
  about: {
    account: 'account',
    session: 'session',
    network: 'network',
    client: 'client',
    key: 'key',
    issuer: 'the issuer',
  },
  endSession: {
    action: 'End the session',
    title: 'End the session',
    text: 'Whoever uses it is out: at identity at once, at every service as soon as it is told. The owner signs in again.',
  },
  signOut: {
    action: 'Sign the account out',
    title: 'Sign the account out everywhere',
    text: 'Every session of the account ends. Its owner can sign in again with the password.',
  },
  block: {
    action: 'Block the account',
    title: 'Block the account',
    text: 'It is signed out everywhere, and nobody signs in to it until it is unblocked.',
  },
  reset: {
    action: 'Reset the password',
    title: 'Reset the password',
    text: 'The password is worthless from then on, every session ends, and a link to choose a new one goes to the e-mail address of the account.',
  },
  disable: {
    action: 'Disable the client',
    title: 'Disable the client',
    text: 'Its tokens are worthless, and it gets no more until it is enabled again.',
  },
  rotate: {
    action: 'Rotate the key',
    title: 'Rotate the key',
    text: 'The waiting key signs from now on. What the old one has signed stays good until it expires.',
  },
}
