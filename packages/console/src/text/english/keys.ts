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
    actions: 'Actions',
  },
  shared: 'a shared secret of the settings',
  gone: (count: number): string => `${count} that are gone are not shown`,
  now: 'now',
  rotate: {
    action: 'Rotate',
    title: 'Rotate the keys of access tokens',
    text: 'The pending keys sign from now on. The ones before stay published until their last token has expired.',
  },
  withdraw: {
    action: 'Withdraw',
    title: (kid: string): string => `Withdraw the key ${kid}`,
    text: 'For a key that somebody else has: everything that it has signed or ever will is worthless, at identity at once and at every service as soon as it is told. Nobody is signed out: clients refresh, and get tokens of another key. It cannot be undone.',
  },
}
