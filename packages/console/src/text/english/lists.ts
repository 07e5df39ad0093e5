export const lists = {
  loading: 'Loading',
  late: 'Still loading: identity takes longer than usual to answer.',
  shown: (count: number): string => (count === 1 ? '1 is shown' : `${count} are shown`),
  nothingFits: 'Nothing matches.',
  previous: 'Previous page',
  next: 'Next page',
  page: (number: number): string => `Page ${number}`,
  again: 'Try again',
  halfMoment: 'Not whole yet: it needs a date and a time.',
  yourTime: (zone: string): string => `Your time (${zone})`,
  shownFromBefore: 'What is shown is from before.',
}
