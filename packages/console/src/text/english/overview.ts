export const overview = {
  title: 'Overview',
  find: 'Find an account',
  findHint: 'How its name begins',
  latest: 'Latest sign-ins',
}
