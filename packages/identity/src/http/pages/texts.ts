/*
 * Every word of our pages, by what it is for. Another language is another object of this shape; pages ask `textsFor`
 * for the one of their reader.
 */

/** Duration texts are told in whole units that people count in. */
function wait(seconds: number): string {
  if (seconds < 90) return seconds === 1 ? 'a second' : `${seconds} seconds`
  const minutes = Math.ceil(seconds / 60)
  return minutes < 90 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`
}

const english = {
  language: 'en',
  locale: 'en-GB',

  fields: {
    identifier: 'Name or e-mail address',
    newIdentifier: 'Name',
    address: 'E-mail address',
    optionalAddress: 'E-mail address (optional)',
    addressAdvice: 'If you forget your password, the way back goes there.',
    password: 'Password',
    currentPassword: 'Current password',
    newPassword: 'New password',
    show: 'Show',
    hide: 'Hide',
    showPassword: (label: string): string => `Show: ${label}`,
    hidePassword: (label: string): string => `Hide: ${label}`,
    passwordAdvice:
      'At least 8 characters. A sentence of your own, or what your password manager makes, is best.',
  },

  problems: {
    missingIdentifier: 'Type your name or e-mail address.',
    missingName: 'Choose a name.',
    missingPassword: 'Type your password.',
    missingNewPassword: 'Type the new password.',
    badCredentials: 'The name or the password is not right. Check both and try again.',
    wrongCurrent: 'The current password is not right. Type the one that you sign in with now.',
    blocked: 'This account is blocked. Ask whoever runs this site to unblock it.',
    unfitPassword: (fault: string): string => `The password ${fault}. Choose another one.`,
    unfitIdentifier: (fault: string): string => `The name ${fault}. Choose another one.`,
    unfitAddress: (fault: string): string => `The e-mail address ${fault}. Correct it.`,
    taken: 'Somebody has this name already. Choose another one, or sign in if it is you.',
    throttled: (seconds: number): string =>
      `There were too many tries. Wait ${wait(seconds)}, then try again.`,
    busy: (seconds: number): string =>
      `Too many people are here at the moment. Try again in ${wait(seconds)}.`,
    inTitle: (title: string): string => `Error: ${title}`,
  },

  notices: {
    'signed-out': 'You are signed out.',
    'signed-out-everywhere': 'You are signed out on every device.',
    'session-over': 'Your session is over. Sign in again to go on.',
    'account-made': 'Your account is ready. Sign in with it.',
    'confirm-by-mail':
      'If an account can be made for this address, a mail is on its way. Open the link in it to choose your password.',
    'reset-by-mail':
      'If there is such an account and it has an address, a mail is on its way. Open the link in it within 30 minutes to choose a new password.',
    'password-changed': 'Your password is changed. Every other device is signed out.',
    'session-ended': 'That device is signed out.',
    'others-ended': 'Every other device is signed out.',
  },

  signIn: {
    title: 'Sign in',
    button: 'Sign in',
    forgot: 'Forgot your password?',
    signUp: 'Make an account',
    to: (place: string): string => `You go on to ${place}.`,
    alreadyTitle: 'You are signed in',
    already: (identifier: string): string => `As ${identifier}.`,
    goOn: 'Continue',
    another: 'Sign out to use another account',
  },

  signUp: {
    title: 'Make an account',
    button: 'Make the account',
    byMail: 'You get a mail with a link. There you choose your password.',
    sendMail: 'Send the mail',
    signIn: 'Sign in with an account that you have',
    closedTitle: 'You cannot make an account here',
    closed: 'Ask whoever runs this site: accounts are made by an administrator.',
  },

  forgot: {
    title: 'Choose a new password',
    text: 'Type the name that you sign in with. You get a mail with a link to choose a new password.',
    button: 'Send the mail',
    back: 'Back to the sign-in',
    noMailTitle: 'This site sends no mail',
    noMail: 'Ask whoever runs it to reset your password.',
  },

  account: {
    title: 'Your account',
    who: (identifier: string): string => `You are signed in as ${identifier}.`,
    address: (email: string): string => `Mail goes to ${email}.`,
    password: 'Password',
    passwordText: 'Change it. Every other device is signed out then.',
    sessions: 'Where you are signed in',
    sessionsText: 'Look through your devices, and sign out those that you do not know.',
    signOut: 'Sign out',
    signOutEverywhere: 'Sign out everywhere',
    back: 'Your account',
  },

  password: {
    title: 'Change your password',
    text: 'Every other device is signed out. This one stays signed in.',
    button: 'Change the password',
    impossible:
      'The password cannot be changed here at the moment. Sign in again and try once more.',
  },

  sessions: {
    title: 'Where you are signed in',
    text: 'Is there something that you do not know? Sign it out, and change your password.',
    device: (browser: string, system: string | undefined): string =>
      system === undefined ? browser : `${browser} on ${system}`,
    unknownDevice: 'Unknown device',
    here: 'This browser',
    by: (client: string): string => `Application: ${client}`,
    ownPages: 'these pages',
    from: (network: string): string => `From ${network}`,
    signedIn: 'Signed in',
    lastUsed: 'last used',
    end: 'Sign out',
    endNamed: (device: string): string => `Sign out: ${device}`,
    endOthers: 'Sign out everywhere else',
    only: 'You are signed in nowhere else.',
    more: 'Older ones',
    newest: 'The newest ones',
    goneTitle: 'There is no such session',
    gone: 'It was ended before, or it is not yours. Look at the list again.',
  },

  reset: {
    title: 'Choose a new password',
    button: 'Set the password',
    askAgain: 'Ask for another link',
    doneTitle: 'The password is set',
    done: 'Sign in with it. Everybody who was signed in is signed out.',
  },

  verification: {
    title: 'Confirm your e-mail address',
    label: 'Password of your account',
    button: 'Confirm',
    wrong: 'The password is not right. Type the one of this account.',
    doneTitle: 'The address is confirmed',
    done: 'You can close this page.',
  },

  invalidLink: {
    title: 'The link is not valid, or not any more',
    text: 'Links work once and not for long. Ask for another one.',
  },

  elsewhere: { title: 'One moment', text: 'Continue to this site' },

  refusals: {
    foreignTitle: 'This was not sent from one of our pages',
    foreign: 'Nothing was changed. Open the page again and do it there.',
    throttledTitle: 'There were too many tries',
    busyTitle: 'Too much to do at the moment',
    clientTitle: 'This application cannot sign you in here',
    client: 'Whoever runs it has to mend its link. You can sign in without it.',
    unreadableTitle: 'The form cannot be read',
    unreadable: 'Nothing was changed. Go back, open the page again and fill it in once more.',
    faultTitle: 'This does not work at the moment',
    fault: 'Try again in a minute.',
    start: 'Go to the sign-in',
  },
}

export type Texts = typeof english
export type NoticeName = keyof Texts['notices']

/** The texts for a reader. There is one language yet. */
export function textsFor(): Texts {
  return english
}
