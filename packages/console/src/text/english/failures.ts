/**
 * Each says what to do, also where the issuer says no more than its code. `isDetailed`: what the issuer says of this one
 * case belongs to it.
 */
const reasons: Readonly<Record<string, { readonly words: string; readonly isDetailed?: boolean }>> =
  {
    'insufficient-scope': {
      words:
        'Your account does not have the role that this needs, identity-admin, or not any more. Ask another operator.',
    },
    'insufficient-user-authentication': { words: 'Sign in again, and do this once more.' },
    malformed: { words: 'Something in the request does not fit.', isDetailed: true },
    'too-large': { words: 'This is more than one request may hold. Shorten it.', isDetailed: true },
    'not-found': { words: 'It is not there any more: somebody else may have deleted it.' },
    superseded: {
      words: 'Nothing was changed: your session or your role has ended meanwhile. Sign in again.',
    },
    'last-administrator': {
      words:
        'Nothing was changed: this is the last operator who can sign in. Give somebody else the role identity-admin first.',
    },
    'identifier-taken': { words: 'Nothing was made: the name is taken. Choose another one.' },
    'unknown-role': {
      words: 'There is no such role. Roles are declared in the settings file of identity.',
      isDetailed: true,
    },
    'no-email': {
      words:
        'There is no e-mail address that the link could be sent to. Add one with “Change e-mail or attributes”.',
    },
    'mail-unavailable': {
      words:
        'Identity sends no mail here, and this needs a link in a mail. Name a mail server (mail.smtpUrl in its settings), or make the account with a password by the command “portcullis accounts create”.',
    },
    'too-early': { words: 'This cannot be done yet.', isDetailed: true },
    'too-many-streams': {
      words: 'There are too many already. Delete one first.',
      isDetailed: true,
    },
    'unknown-client': { words: 'This client may not do that.', isDetailed: true },
    'unknown-audience': { words: 'The client may not ask for this audience.', isDetailed: true },
    'unknown-scope': { words: 'The client may not ask for this scope.', isDetailed: true },
    'position-gone': {
      words: 'This is so long ago that every token which it was about has expired.',
    },
    'token-over-budget': {
      words: 'The token would be too large. Take away roles or attributes.',
      isDetailed: true,
    },
    'cross-origin': {
      words:
        'Identity takes this page for another site. Open the console at the address of the issuer.',
    },
    throttled: { words: 'That was asked too often. Wait a little.' },
    overloaded: {
      words: 'Identity has too much to do at the moment. Nothing was changed; try it again.',
    },
    'keys-unavailable': {
      words: 'Identity cannot sign at the moment: see its log. Try it again.',
    },
    'store-unavailable': {
      words:
        'The database does not answer. Whether anything was changed is not known: look before you try again.',
    },
    internal: {
      words:
        'Something went wrong in identity: its log says what. It may have been done; look first.',
      isDetailed: true,
    },
  }

/** Of schemas: a pattern says nothing to people. */
export function unfitWords(message: string): string {
  return /^must match (pattern|format)/.test(message)
    ? 'is not in the form that is asked for'
    : message.replace('NOT', 'not')
}

function sentence(text: string): string {
  const trimmed = text.trim()
  const isWhole = /[.!?]$/.test(trimmed)
  return `${trimmed.slice(0, 1).toUpperCase()}${trimmed.slice(1)}${isWhole ? '' : '.'}`
}

export const failures = {
  'issuer-unreachable': 'Identity does not answer. Nothing is known about what you asked for.',
  'signed-out': 'Your session has ended. Sign in to go on.',
  throttled: 'That was asked too often. Wait a little.',
  reasons,
  refused: 'Identity refuses this.',
  unexplained: (status: number | undefined, reason: string): string =>
    `Identity refuses this (${[status, reason].filter(Boolean).join(' ')}). Its log says more.`,
  detail: sentence,
  fault: (field: string, message: string): string =>
    sentence(`${field.replace(/^\//, '').replaceAll('_', ' ')} ${unfitWords(message)}`),
  unexpected:
    'The console has made a mistake. Load the page again; what you asked for may have been done.',
  retryAfter: (seconds: number): string => `Try again in ${seconds} s.`,
}
