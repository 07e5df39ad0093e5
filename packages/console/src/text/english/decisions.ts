import { unfitWords } from './failures.ts'

export const decisions = {
  cancel: 'Cancel',
  close: 'Close',
  optional: '(optional)',
  reason: 'Reason',
  reasonHint: 'It is kept in the audit record, with your name.',
  reasonMissing: 'Say why: a word or two will do.',
  reasonNotChosen: 'Choose why, or “Other” to say it in your own words.',
  otherReason: 'Other',
  ownWords: 'In your own words',
  type: (text: string): string => `To confirm, type ${text}`,
  typedWrong: (text: string): string => `That is not ${text}.`,
  busy: 'One moment',
  done: 'Done',
  shownOnce: 'is shown here and nowhere again. Put both where they are needed now.',
  idBeside: 'Client id',
  secretBeside: 'Secret',
  isKept: 'I have kept it',
  keepFirst: 'The secret is shown nowhere again. Keep it first, then say “I have kept it”.',
  missing: (label: string): string => `${label} is missing.`,
  noneChosen: 'Choose at least one.',
  nothingChanged: 'Nothing is different yet.',
  /** Of one field, what the issuer says is wrong with it. */
  unfit: (message: string, part?: string): string => {
    const words = unfitWords(message)
    const isAboutIt = /^(must|is|has|needs|may|holds|contains|would|cannot|does)\b/.test(words)
    return isAboutIt ? `${part ?? 'It'} ${words}.` : `${words}.`
  },
}
