export const decisions = {
  cancel: 'Cancel',
  close: 'Close',
  reason: 'Reason',
  reasonHint: 'It is kept in the audit record, with your name.',
  reasonMissing: 'Say why: a word or two will do.',
  type: (text: string): string => `To confirm, type ${text}`,
  typedWrong: (text: string): string => `That is not ${text}.`,
  busy: 'One moment',
  done: 'Done',
  shownOnce: 'is shown here and nowhere again. Put it where it is needed now.',
  faults: 'Something above is missing or not right yet.',
}
