import type { FaultTexts } from '../../domain/account-faults.ts'
import type { Texts } from './texts.ts'

/** Duration texts are told in whole units that people count in. */
function wait(seconds: number): string {
  if (seconds < 90) return seconds === 1 ? 'a second' : `${seconds} seconds`
  const minutes = Math.ceil(seconds / 60)
  return minutes < 90 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`
}

/** What is wrong with a name or a password, and what to do about it. */
const faults: FaultTexts = {
  'identifier-empty': () => 'Choose a name.',
  'identifier-too-long': ({ charactersMax }) =>
    `The name is too long. Choose one of at most ${charactersMax} characters.`,
  'identifier-invisible': () =>
    'The name has a space in it, or a character that cannot be seen. Leave it out.',
  'identifier-mixed-alphabets': () =>
    'The name has letters of several alphabets in one word. Write it in one of them.',
  'identifier-no-address': () =>
    'This is not an e-mail address. Type all of it: name@mail.example.',
  'email-malformed': () => 'This is not an e-mail address. Type all of it: name@mail.example.',
  'email-without-domain': () =>
    'No mail can go to what stands behind the @ of this address. Check how it is written.',
  'email-too-long': ({ charactersMax }) =>
    `The e-mail address is too long. Type one of at most ${charactersMax} characters.`,
  'email-not-identifier': () =>
    'Your name is an e-mail address itself. Type the same one here, or leave this empty.',
  'password-missing': () => 'Type the new password.',
  'password-too-short': ({ charactersMin }) =>
    `The password is too short. Choose one of at least ${charactersMin} characters.`,
  'password-too-long': ({ charactersMax }) =>
    `The password is too long. Choose one of at most ${charactersMax} characters.`,
  'password-common': () =>
    'This password is one of those that are guessed first. Choose one that nobody else would.',
  'password-like-identifier': () =>
    'The password has your name in it, which others know. Choose another one.',
  'password-like-service': () =>
    'The password has the name of this site in it. Choose another one.',
  'password-breached': () =>
    'This password was found among stolen ones. Choose another one, and change it wherever else you use it.',
}

/** Every word of our pages in English. */
export const english: Texts = {
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
    showPassword: (label) => `Show: ${label}`,
    hidePassword: (label) => `Hide: ${label}`,
    passwordAdvice: (charactersMin) =>
      `At least ${charactersMin} characters. A sentence of your own, or what your password manager makes, is best.`,
  },

  problems: {
    missingIdentifier: 'Type your name or e-mail address.',
    missingPassword: 'Type your password.',
    badCredentials: 'The name or the password is not right. Check both and try again.',
    wrongCurrent: 'The current password is not right. Type the one that you sign in with now.',
    blocked: 'This account is blocked. Ask whoever runs this site to unblock it.',
    taken: 'Somebody has this name already. Choose another one, or sign in if it is you.',
    throttled: (seconds) => `There were too many tries. Wait ${wait(seconds)}, then try again.`,
    busy: (seconds) => `Too many people are here at the moment. Try again in ${wait(seconds)}.`,
    inTitle: (title) => `Error: ${title}`,
  },

  faults,

  notices: {
    'signed-out': 'You are signed out.',
    'signed-out-everywhere': 'You are signed out on every device.',
    'session-over': 'Your session is over. Sign in again to go on.',
    'account-made': 'Your account is ready. Sign in with it.',
    'confirm-by-mail':
      'If an account can be made for this address, a mail is on its way. Open the link in it to choose your password.',
    'reset-by-mail': (minutes) =>
      `If there is such an account and it has an address, a mail is on its way. Open the link in it within ${minutes} minutes to choose a new password.`,
    'password-changed': 'Your password is changed. Every other device is signed out.',
    'session-ended': 'That device is signed out.',
    'others-ended': 'Every other device is signed out.',
  },

  signIn: {
    title: 'Sign in',
    button: 'Sign in',
    forgot: 'Forgot your password?',
    signUp: 'Make an account',
    to: (place) => `You go on to ${place}.`,
    alreadyTitle: 'You are signed in',
    already: (identifier) => `As ${identifier}.`,
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
    who: (identifier) => `You are signed in as ${identifier}.`,
    address: (email) => `Mail goes to ${email}.`,
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
    device: (browser, system) => (system === undefined ? browser : `${browser} on ${system}`),
    unknownDevice: 'Unknown device',
    here: 'This browser',
    by: (client) => `Application: ${client}`,
    ownPages: 'these pages',
    from: (network) => `From ${network}`,
    used: (signedIn, last) => `Signed in ${signedIn} · last used ${last}`,
    end: 'Sign out',
    endNamed: (device) => `Sign out: ${device}`,
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

  confirm: {
    title: 'Is it you?',
    text: 'You signed in a while ago. Type your password once more, so that nobody else signs out your devices.',
    wrong: 'The password is not right. Type the one that you sign in with.',
    back: 'Sign nothing out',
    impossible: 'This cannot be done here at the moment. Sign in again and try once more.',
  },

  elsewhere: { title: 'One moment', text: 'Continue to this site' },

  refusals: {
    foreignTitle: 'This was not sent from one of our pages',
    foreign: 'Nothing was changed. Open the page again and do it there.',
    throttledTitle: 'There were too many tries',
    clientTitle: 'This application cannot sign you in here',
    client: 'Whoever runs it has to mend its link. You can sign in without it.',
    unreadableTitle: 'The form cannot be read',
    unreadable: 'Nothing was changed. Go back, open the page again and fill it in once more.',
    faultTitle: 'This does not work at the moment',
    fault: 'Try again in a minute.',
    start: 'Go to the sign-in',
  },

  console: {
    notBuiltTitle: 'The console is not built',
    notBuilt: 'This program runs from its sources. Run this there, and load this page again:',
  },
}
