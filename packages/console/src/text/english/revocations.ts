export const revocations = {
  title: 'Revocations',
  waiting: 'Telling every service',
  everywhere: (ms: number): string => `Every service refuses it, after ${ms} ms at most`,
  everywhereNobody: 'Nobody follows the revocations: no service had to be told.',
  counts: (applied: number, unknown: number, refusing: number): string =>
    `${applied} have it, ${unknown} have not said so yet, ${refusing} refuse everything until they hear again`,
  stragglers: 'Not heard of yet',
  until: (moment: string): string => `refuses by itself at ${moment}`,
  never: 'goes on for ever without the feed',
}
