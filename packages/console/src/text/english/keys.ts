export const keys = {
  title: 'Keys',
  text: 'Whoever verifies tokens finds the public halves at the issuer. A pending key is published before it signs, and a retiring one stays until its last token has expired, so nobody has to restart for a rotation.',
  purposes: { 'access-token': 'Keys of access tokens', feed: 'Keys of the revocation feed' },
  states: {
    pending: 'pending',
    active: 'active',
    retiring: 'retiring',
    destroyed: 'destroyed',
    withdrawn: 'withdrawn',
  },
  columns: {
    kid: 'Key id',
    algorithm: 'Algorithm',
    state: 'State',
    since: 'Since',
    next: 'What comes',
    actions: 'Actions',
  },
  shared: 'a shared secret of the settings',
  gone: (count: number): string => `${count} that are gone are not shown`,
  now: 'now',
  legend: {
    pending: 'published, does not sign yet',
    active: 'signs',
    retiring: 'still verifies',
    foreseen: 'to come',
  },
  next: {
    replaced: 'Replaced',
    gone: 'Gone',
    maySign: 'May sign',
    signs: 'Signs',
    nothing: 'nothing',
  },
  rotate: {
    action: 'Rotate',
    title: (which: string): string => `Rotate: ${which}`,
    change: (before: string, after: string | undefined): string =>
      `${before} signs now; from then on ${after ?? 'its successor'} does.`,
    text: 'The key before stays published until the last token of it has expired, so nobody notices. The other keys stay as they are.',
    early: (moment: string): string =>
      `Before ${moment} it is refused: not every service has the next key yet.`,
    result: (after: string, before: string, until: string): string =>
      `Now ${after} signs. ${before} is kept until ${until}.`,
    done: 'The pending key signs now.',
  },
  withdraw: {
    action: 'Withdraw',
    title: 'Withdraw a key',
    text: 'For a key that somebody else may have. Everything that it has signed or ever will is worthless. It cannot be undone.',
    follows: {
      'access-token': {
        pending: 'It has signed nothing yet: no token is lost. Another one is made in its place.',
        active:
          'It signs now: the pending key signs at once in its place. Tokens that it has signed are refused, at identity at once and at every service as soon as the news is there. Nobody is signed out: clients refresh, and get tokens of the other key.',
        retiring:
          'It signs nothing any more. Tokens that it has signed, which have not expired yet, are refused; clients refresh, and get new ones. Nobody is signed out.',
      },
      feed: {
        pending: 'It has signed nothing of the feed yet. Another one is made in its place.',
        active:
          'It signs the revocation feed: the pending key signs at once in its place, and services go on by that one.',
        retiring: 'It signs nothing of the feed any more.',
      },
    } as Readonly<Record<string, Readonly<Record<string, string>>>>,
    done: 'The key is withdrawn.',
  },
}
