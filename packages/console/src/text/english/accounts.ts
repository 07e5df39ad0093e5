function roleNames(roles: readonly string[]): string {
  return `the role${roles.length === 1 ? '' : 's'} ${roles.join(', ')}`
}

export const accounts = {
  title: 'Accounts',
  none: 'There are no accounts yet.',
  search: 'Name begins with',
  blockedFilter: { label: 'State', any: 'Any', blocked: 'Blocked', open: 'Not blocked' },
  columns: { identifier: 'Name', roles: 'Roles', state: 'State', created: 'Made' },
  state: { blocked: 'blocked', unconfirmed: 'not confirmed', open: 'open' },
  details: {
    id: 'Id',
    email: 'E-mail',
    verified: 'confirmed',
    unverified: 'not confirmed',
    roles: 'Roles',
    attributes: 'Attributes',
    created: 'Made',
    lastLogin: 'Last sign-in on record',
  },
  operatorRole: 'Operator: may do whatever this console can do',
  undeclaredRole: 'Not declared in the settings file any more: gives nothing',
  emptyRole: 'Gives no scopes; services may look at its name',
  history: 'History',
  sessions: 'Where they are signed in',
  noSessions: 'They are signed in nowhere.',
  block: {
    action: 'Block',
    title: (name: string): string => `Block ${name}`,
    text: 'They are signed out everywhere and cannot sign in until they are unblocked.',
  },
  unblock: {
    action: 'Unblock',
    title: (name: string): string => `Unblock ${name}`,
    text: 'They can sign in again. Nothing that was ended comes back.',
    done: (name: string): string => `${name} can sign in again.`,
  },
  logOut: {
    action: 'Sign out everywhere',
    title: (name: string): string => `Sign out ${name} everywhere`,
    text: 'Every session ends. They can sign in again with their password.',
  },
  reset: {
    action: 'Reset the password',
    title: (name: string): string => `Reset the password of ${name}`,
    text: 'The password is worthless from then on, every session ends, and a link to choose a new one goes to their e-mail address.',
  },
  remove: {
    action: 'Delete',
    title: (name: string): string => `Delete ${name}`,
    text: 'The account, its sessions and its attributes are gone for ever. The audit record keeps that there was one.',
  },
  changeRoles: {
    action: 'Change roles',
    title: (name: string): string => `Roles of ${name}`,
    text: 'A role that you add is in the next token. A role that you take away is refused at once: tokens from before are taken back, and new ones come without it. Nobody is signed out.',
    gained: (name: string, roles: readonly string[]): string =>
      `${name} now has ${roleNames(roles)}: from the next token on, at the next refresh or sign-in.`,
    nothingLost: 'Nothing was taken back: tokens from before hold as well.',
    lost: (name: string, roles: readonly string[]): string =>
      `${name} no longer has ${roleNames(roles)}. Tokens from before are refused:`,
  },
  changeProfile: {
    action: 'Change e-mail or attributes',
    title: (name: string): string => `E-mail and attributes of ${name}`,
    text: 'Attributes may stand in tokens, as the settings say. Tokens with values that do not hold any more are refused.',
    done: (name: string): string => `What is known of ${name} is changed.`,
    attributesHint: 'A JSON object of texts, numbers, true and false: {"tenant": "north"}',
    attributesFault: 'This is not a JSON object of texts, numbers, true and false.',
  },
  create: {
    action: 'Make an account',
    text: 'Its owner chooses the password, by a link that goes to the e-mail address. So nobody else knows it.',
    emailHint: 'The link goes there.',
    taken: (name: string): string => `There is an account ${name} already.`,
    lookAtIt: 'Look at it',
    done: (name: string): string => `The account ${name} is made, and the link is on its way.`,
  },
}
