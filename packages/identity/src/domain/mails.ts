import type { LinkMailKind } from './account-links.ts'
import { linkSeconds } from './account-links.ts'

/** A plain-text mail. The subject is one of ours, and nothing in it comes from a request but the address. */
export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
}

export interface Mailer {
  /** Resolves when a server has taken it over. */
  readonly send: (mail: Mail) => Promise<void>
}

/**
 * Everything that identity writes to people. No identifier and no name stands in it: what a stranger has
 * typed somewhere must not reach somebody else's mailbox in our name.
 */
export type MailKind = LinkMailKind | NoticeKind

/** What an owner hears of when it has happened (ASVS 6.3.7). */
type NoticeKind = 'password-was-reset' | 'password-was-changed' | 'email-was-changed'

/** `link` stands in mails of the kinds that have one. */
export function writeMail(kind: MailKind, to: string, link = ''): Mail {
  const { subject, lines } = templates[kind]
  return { to, subject, text: `${lines(link).join('\n')}\n` }
}

interface Template {
  readonly subject: string
  readonly lines: (link: string) => readonly string[]
}

const templates: Readonly<Record<MailKind, Template>> = {
  'verify-email': {
    subject: 'Confirm your e-mail address',
    lines: (link) => [
      `Somebody has entered this address for an account. If it was you, confirm it within ${lifeOf('verify-email')}, with the`,
      'password of the account:',
      '',
      link,
      '',
      'If it was not you, do nothing: the address is then not confirmed.',
    ],
  },
  reset: {
    subject: 'Choose a new password',
    lines: (link) => [
      `Somebody has asked for a new password for your account. If it was you, choose one within ${lifeOf('reset')}:`,
      '',
      link,
      '',
      'Everybody who is signed in to the account is signed out then. If it was not you, do nothing:',
      'your password stays as it is.',
    ],
  },
  invitation: {
    subject: 'Choose your password',
    lines: (link) => [
      `An administrator asks you to choose the password of your account, within ${lifeOf('invitation')}:`,
      '',
      link,
      '',
      'Later you can ask for another link where you sign in.',
    ],
  },
  registration: {
    subject: 'Choose a password for your account',
    lines: (link) => [
      `Somebody has asked for an account with this address. If it was you, choose its password within ${lifeOf('registration')}:`,
      '',
      link,
      '',
      'If it was not you, do nothing: nobody can use the account, and it is taken away.',
    ],
  },
  'account-exists': {
    subject: 'You have an account already',
    lines: (link) => [
      'Somebody has tried to make an account with this address, which has one already. If it was you, sign in,',
      `or choose a new password within ${lifeOf('account-exists')}:`,
      '',
      link,
      '',
      'If it was not you, do nothing.',
    ],
  },
  'password-was-changed': {
    subject: 'Your password was changed',
    lines: () => [
      'The password of your account was changed by somebody who knew the old one, and everybody else who was signed',
      'in is signed out. If it was not you, ask for a new password where you sign in.',
    ],
  },
  'email-was-changed': {
    subject: 'The address of your account was changed',
    lines: () => [
      'An administrator has changed the e-mail address of your account: mail about it no longer comes here. If you do',
      'not know why, ask those who run the service.',
    ],
  },
  'password-was-reset': {
    subject: 'Your password was changed',
    lines: () => [
      'The password of your account was set by a link from a mail like this one, and everybody who was signed',
      'in is signed out. If it was not you, somebody else reads your mail: choose another password there first.',
    ],
  },
}

function lifeOf(kind: LinkMailKind): string {
  const minutes = linkSeconds[kind] / 60
  return minutes < 120 ? `${minutes} minutes` : `${minutes / 60} hours`
}
