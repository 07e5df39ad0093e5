export const lists = {
  loading: 'Loading',
  empty: 'Nothing is here.',
  nothingFits: 'Nothing fits what you look for.',
  previous: 'Previous page',
  next: 'Next page',
  page: (number: number): string => `Page ${number}`,
  again: 'Try again',
  shownFromBefore: 'What is shown is from before.',
}
