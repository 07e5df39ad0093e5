import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Audience, Registry } from '../src/domain/registry.ts'
import {
  algorithmsInUse,
  chooseTarget,
  narrowScopes,
  rolesAtAudiences,
  scopesOfClient,
  scopesOfRoles,
} from '../src/domain/registry.ts'

const issuer = 'https://id.example'

const orders: Audience = {
  scopes: ['orders:read', 'orders:write'],
  roles: ['customer', 'admin'],
  accessTokenSeconds: 900,
  algorithms: ['RS256'],
  claims: new Map(),
  requiresDpop: false,
}
const reviews: Audience = {
  scopes: ['reviews:write'],
  roles: ['customer', 'moderator'],
  accessTokenSeconds: 60,
  algorithms: ['RS256'],
  claims: new Map(),
  requiresDpop: false,
}
const payments: Audience = {
  scopes: [],
  roles: [],
  accessTokenSeconds: 900,
  algorithms: ['ES256'],
  claims: new Map(),
  requiresDpop: false,
}

const registry: Registry = {
  issuer,
  audiences: new Map([
    ['orders', orders],
    ['reviews', reviews],
    ['payments', payments],
  ]),
  roles: new Map([
    [
      'customer',
      new Map([
        ['orders', ['orders:read', 'orders:write']],
        ['reviews', ['reviews:write']],
      ]),
    ],
    ['auditor', new Map([['orders', ['orders:read']]])],
  ]),
  clients: new Map(),
}

const web = { audiences: ['orders', 'reviews'] }

test('a request that names no audience gets all of the client, with the shortest lifetime', () => {
  assert.deepEqual(chooseTarget(registry, web, {}), {
    kind: 'target',
    target: {
      audiences: ['orders', 'reviews'],
      algorithms: ['RS256'],
      accessTokenSeconds: 60,
      boundAudiences: [],
    },
  })
})

test('a request may narrow the audiences, and one that is named twice counts once', () => {
  assert.deepEqual(chooseTarget(registry, web, { audiences: ['orders', 'orders'] }), {
    kind: 'target',
    target: {
      audiences: ['orders'],
      algorithms: ['RS256'],
      accessTokenSeconds: 900,
      boundAudiences: [],
    },
  })
})

test('an audience that is not of the client is refused, known to the registry or not', () => {
  for (const audiences of [['payments'], ['orders', 'payments'], ['nowhere'], [''], []]) {
    const chosen = chooseTarget(registry, web, { audiences })
    assert.ok(chosen.kind === 'refused')
    assert.equal(chosen.why, 'unknown-audience')
    assert.equal(chosen.detail, `ask for one or more of: orders, reviews, ${issuer}`)
  }
})

test('every client may ask for the issuer, and one without audiences gets it', () => {
  const atIssuer = {
    kind: 'target',
    target: {
      audiences: [issuer],
      algorithms: ['RS256'],
      accessTokenSeconds: 900,
      boundAudiences: [],
    },
  }
  assert.deepEqual(chooseTarget(registry, web, { audiences: [issuer] }), atIssuer)
  assert.deepEqual(chooseTarget(registry, { audiences: [] }, {}), atIssuer)
})

test('audiences that sign with different algorithms do not share a token', () => {
  const client = { audiences: ['orders', 'payments'] }
  const chosen = chooseTarget(registry, client, {})
  assert.ok(chosen.kind === 'refused')
  assert.equal(chosen.why, 'unknown-audience')
  assert.match(chosen.detail, /one at a time/)
  assert.equal(chooseTarget(registry, client, { audiences: ['payments'] }).kind, 'target')
})

test('a token for several audiences has the algorithms that all of them accept, in the order of the first', () => {
  const changing: Registry = {
    ...registry,
    audiences: new Map([
      ['orders', { ...orders, algorithms: ['EdDSA', 'ES256', 'RS256'] }],
      ['reviews', { ...reviews, algorithms: ['RS256', 'EdDSA'] }],
      ['payments', payments],
    ]),
  }
  const client = { audiences: ['orders', 'reviews', 'payments'] }
  const algorithmsFor = (audiences: readonly string[]): readonly string[] => {
    const chosen = chooseTarget(changing, client, { audiences })
    return chosen.kind === 'target' ? chosen.target.algorithms : []
  }
  assert.deepEqual(algorithmsFor(['orders']), ['EdDSA', 'ES256', 'RS256'])
  assert.deepEqual(algorithmsFor(['orders', 'reviews']), ['EdDSA', 'RS256'])
  assert.deepEqual(algorithmsFor(['reviews', 'orders']), ['RS256', 'EdDSA'])
  assert.deepEqual(algorithmsFor(['orders', 'payments']), ['ES256'])
  assert.deepEqual(algorithmsFor(['orders', 'reviews', 'payments']), [])
  assert.deepEqual(algorithmsInUse(changing), new Set(['RS256', 'EdDSA', 'ES256']))
})

test('an audience that left the file is no longer open to a client of the store', () => {
  const client = { audiences: ['gone', 'orders'] }
  assert.deepEqual(chooseTarget(registry, client, {}), {
    kind: 'target',
    target: {
      audiences: ['orders'],
      algorithms: ['RS256'],
      accessTokenSeconds: 900,
      boundAudiences: [],
    },
  })
  assert.equal(chooseTarget(registry, client, { audiences: ['gone'] }).kind, 'refused')
})

test('a client whose every audience left the file gets none, and not the issuer instead', () => {
  assert.equal(chooseTarget(registry, { audiences: ['gone'] }, {}).kind, 'refused')
})

test('a scope that no chosen audience has is refused, and the answer names those it has', () => {
  for (const scopes of [
    ['orders:delete'],
    ['orders:read', ''],
    ['reviews:write'],
    ['ORDERS:READ'],
  ]) {
    const chosen = chooseTarget(registry, web, { audiences: ['orders'], scopes })
    assert.ok(chosen.kind === 'refused')
    assert.equal(chosen.why, 'unknown-scope')
    assert.equal(chosen.detail, 'orders has: orders:read, orders:write')
  }
  assert.equal(chooseTarget(registry, web, { scopes: ['reviews:write'] }).kind, 'target')
})

test('roles grant scopes at the chosen audiences only', () => {
  assert.deepEqual(scopesOfRoles(registry, ['customer'], ['orders']), [
    'orders:read',
    'orders:write',
  ])
  assert.deepEqual(scopesOfRoles(registry, ['customer', 'auditor'], ['orders', 'reviews']), [
    'orders:read',
    'orders:write',
    'reviews:write',
  ])
  assert.deepEqual(scopesOfRoles(registry, ['auditor'], ['reviews']), [])
  assert.deepEqual(scopesOfRoles(registry, ['constructor', 'unknown'], ['orders']), [])
})

test('narrowing never widens: an asked scope that was not granted is left out', () => {
  const granted = ['orders:read']
  assert.deepEqual(narrowScopes(granted, undefined), ['orders:read'])
  assert.deepEqual(narrowScopes(granted, ['orders:read', 'orders:write']), ['orders:read'])
  assert.deepEqual(narrowScopes(granted, ['orders:write']), [])
})

test('a token carries those roles only that its audiences know', () => {
  const roles = ['customer', 'moderator', 'identity-admin', 'auditor']
  assert.deepEqual(rolesAtAudiences(registry, roles, ['orders']), ['customer'])
  assert.deepEqual(rolesAtAudiences(registry, roles, ['orders', 'reviews']), [
    'customer',
    'moderator',
  ])
  assert.deepEqual(rolesAtAudiences(registry, roles, [issuer]), ['identity-admin'])
})

test('a machine client gets those of its own scopes that its audiences have', () => {
  const client = { scopes: ['orders:read', 'revocations.read', 'gone'] }
  assert.deepEqual(scopesOfClient(registry, client, ['orders']), ['orders:read'])
  assert.deepEqual(scopesOfClient(registry, client, [issuer]), ['revocations.read'])
  assert.deepEqual(scopesOfClient(registry, client, ['reviews']), [])
})

test('the keyring must sign for every audience and for the issuer itself', () => {
  assert.deepEqual(algorithmsInUse(registry), new Set(['RS256', 'ES256']))
  assert.deepEqual(algorithmsInUse({ ...registry, audiences: new Map() }), new Set(['RS256']))
})

test('a scope that two audiences have is carried only when it is granted at both', () => {
  const shared: Registry = {
    ...registry,
    audiences: new Map([
      ['wiki', { ...orders, scopes: ['read', 'write'], roles: ['editor'] }],
      ['payroll', { ...orders, scopes: ['read', 'write'], roles: ['clerk'] }],
    ]),
    roles: new Map([
      [
        'editor',
        new Map([
          ['wiki', ['read', 'write']],
          ['payroll', ['read']],
        ]),
      ],
    ]),
  }
  // The claim does not say for which audience a scope is meant: `write` would count at the payroll.
  assert.deepEqual(scopesOfRoles(shared, ['editor'], ['wiki', 'payroll']), ['read'])
  assert.deepEqual(scopesOfRoles(shared, ['editor'], ['wiki']), ['read', 'write'])
  assert.deepEqual(scopesOfRoles(shared, ['editor'], ['payroll']), ['read'])
})

test('the issuer is an audience of its own and of no token with others', () => {
  const chosen = chooseTarget(registry, web, { audiences: ['orders', issuer] })
  assert.ok(chosen.kind === 'refused')
  assert.equal(chosen.why, 'unknown-audience')
  assert.equal(chosen.detail, `ask for ${issuer} alone`)
})
