import type { FaultTexts } from '../../domain/account-faults.ts'

/** The catalogue of one language. What is in it and shown nowhere fails a test. */
export interface Texts {
  /** A tag of BCP 47, for those who read pages aloud. */
  readonly language: string
  /** How times are written. */
  readonly locale: string
  readonly fields: {
    readonly identifier: string
    readonly newIdentifier: string
    readonly address: string
    readonly optionalAddress: string
    readonly addressAdvice: string
    readonly password: string
    readonly currentPassword: string
    readonly newPassword: string
    readonly show: string
    readonly hide: string
    readonly showPassword: (label: string) => string
    readonly hidePassword: (label: string) => string
    readonly passwordAdvice: (charactersMin: number) => string
  }
  readonly problems: {
    readonly missingIdentifier: string
    readonly missingPassword: string
    readonly badCredentials: string
    readonly wrongCurrent: string
    readonly blocked: string
    readonly taken: string
    readonly throttled: (seconds: number) => string
    readonly busy: (seconds: number) => string
    readonly inTitle: (title: string) => string
  }
  readonly faults: FaultTexts
  readonly notices: Readonly<Record<NoticeName, string | ((minutes: number) => string)>>
  readonly signIn: {
    readonly title: string
    readonly button: string
    readonly forgot: string
    readonly signUp: string
    readonly to: (place: string) => string
    readonly alreadyTitle: string
    readonly already: (identifier: string) => string
    readonly goOn: string
    readonly another: string
  }
  readonly signUp: Words<
    'title' | 'button' | 'byMail' | 'sendMail' | 'signIn' | 'closedTitle' | 'closed'
  >
  readonly forgot: Words<'title' | 'text' | 'button' | 'back' | 'noMailTitle' | 'noMail'>
  readonly account: {
    readonly title: string
    readonly who: (identifier: string) => string
    readonly address: (email: string) => string
    readonly password: string
    readonly passwordText: string
    readonly sessions: string
    readonly sessionsText: string
    readonly signOut: string
    readonly signOutEverywhere: string
    readonly back: string
  }
  readonly password: Words<'title' | 'text' | 'button' | 'impossible'>
  readonly sessions: {
    readonly title: string
    readonly text: string
    readonly device: (browser: string, system: string | undefined) => string
    readonly unknownDevice: string
    readonly here: string
    readonly by: (client: string) => string
    readonly ownPages: string
    readonly from: (network: string) => string
    readonly used: (signedIn: string, last: string) => string
    readonly end: string
    readonly endNamed: (device: string) => string
    readonly endOthers: string
    readonly only: string
    readonly more: string
    readonly newest: string
    readonly goneTitle: string
    readonly gone: string
  }
  readonly reset: Words<'title' | 'button' | 'askAgain' | 'doneTitle' | 'done'>
  readonly verification: Words<'title' | 'label' | 'button' | 'wrong' | 'doneTitle' | 'done'>
  readonly invalidLink: Words<'title' | 'text'>
  readonly confirm: Words<'title' | 'text' | 'wrong' | 'back' | 'impossible'>
  readonly elsewhere: Words<'title' | 'text'>
  readonly refusals: Words<
    | 'foreignTitle'
    | 'foreign'
    | 'throttledTitle'
    | 'clientTitle'
    | 'client'
    | 'unreadableTitle'
    | 'unreadable'
    | 'faultTitle'
    | 'fault'
    | 'start'
  >
  readonly console: Words<'notBuiltTitle' | 'notBuilt'>
}

type Words<Name extends string> = Readonly<Record<Name, string>>

export type NoticeName =
  | 'signed-out'
  | 'signed-out-everywhere'
  | 'session-over'
  | 'account-made'
  | 'confirm-by-mail'
  | 'reset-by-mail'
  | 'password-changed'
  | 'session-ended'
  | 'others-ended'
