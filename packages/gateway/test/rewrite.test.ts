import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseRequestTarget } from '../src/request/target.ts'
import { fits, parseRouteMatch, rewriteFault, rewritten } from '../src/routing/match.ts'
import { parseGatewaySettings } from '../src/index.ts'
import { startWorld } from './world.ts'

const none = { mode: 'none' }

test('the path of the match is exchanged, and every other octet arrives as it came', async (t) => {
  const { ask, service } = await startWorld(t, {
    file: (to) => ({
      routes: [
        { match: '/public/*', to, rewrite: '/*', auth: none },
        { match: '/v1/*', to, rewrite: '/api/v1.0/*', auth: none },
        { match: '/*', to, rewrite: '/rest/*', auth: none },
        { match: '/status', to, rewrite: '/internal/status', auth: none },
        { match: '/same', to, rewrite: '/', auth: none },
      ],
    }),
  })
  const expected: readonly (readonly [string, string])[] = [
    ['/public', '/'],
    ['/public/', '/'],
    ['/public?a=%2e%2e/', '/?a=%2e%2e/'],
    ['/public/public/a', '/public/a'],
    ['/public/%C3%A9%20b/c,d=e?x=/public', '/%C3%A9%20b/c,d=e?x=/public'],
    ['/public/100%25/', '/100%25/'],
    ['/v1', '/api/v1.0'],
    ['/v1?x', '/api/v1.0?x'],
    ['/v1/', '/api/v1.0/'],
    ['/v1/a/b', '/api/v1.0/a/b'],
    ['/', '/rest/'],
    ['/publicX', '/rest/publicX'],
    ['/status?x=1', '/internal/status?x=1'],
    ['/same?x', '/?x'],
  ]
  for (const [path, target] of expected) {
    assert.equal((await ask({ path })).status, 200, path)
    assert.equal(service.requests.splice(0)[0]?.target, target, path)
  }
})

// GHSA-6jwx-7vp4-9847 and attacks G24: what is cut off must not set anything free.
test('what is ambiguous before a rewrite never gets as far', async (t) => {
  const { ask, service } = await startWorld(t, {
    file: (to) => ({ routes: [{ match: '/public/*', to, rewrite: '/*', auth: none }] }),
  })
  const refused = [
    '/public//evil.example/a',
    '/public/..%2fadmin',
    '/public/../admin',
    '/public/%2e%2e/admin',
    '/public/;/admin',
    '/public/%2fadmin',
    '/public%2fadmin',
    '/public\\admin',
  ]
  for (const path of refused) assert.equal((await ask({ path })).status, 400, path)
  assert.equal((await ask({ path: '/publicadmin' })).status, 404)
  assert.equal(service.requests.length, 0)
})

test('a target that fits is unambiguous after the rewrite too, and only its beginning differs', () => {
  const segment = fc.constantFrom(
    'a',
    'admin',
    '..a',
    '%20',
    '%C3%A9',
    '*',
    '@',
    '',
    '.',
    '..',
    '%2e',
    ';',
  )
  const targets = fc
    .tuple(fc.array(segment, { maxLength: 5 }), fc.constantFrom('', '?', '?a=/../b', '?%2e'))
    .map(([segments, query]) => ['/public', ...segments].join('/') + query)
  const goals = fc.constantFrom('/*', '/api/*', '/api/v1/*', '/..a/*')
  const match = matchOf('/public/*')
  let forwarded = 0
  fc.assert(
    fc.property(targets, goals, (target, goal) => {
      const parsed = parseRequestTarget(target)
      if (parsed.kind === 'ambiguous' || !fits(match, parsed.path)) return
      forwarded += 1
      const rewrite = goal.slice(0, -2)
      assert.equal(rewriteFault(goal, match), undefined)
      const sent = rewritten({ match, rewrite }, parsed.target)
      assert.equal(parseRequestTarget(sent).kind, 'target', `${target} to ${sent}`)
      const rest = target.slice('/public'.length)
      assert.ok(sent === rewrite + rest || sent === `/${rest}`, `${target} to ${sent}`)
    }),
    { numRuns: 2000 },
  )
  assert.ok(forwarded >= 600, `only ${forwarded} were forwarded`)
})

/** Each is led by `/public/*` to `/*` of the same service. */
const guarded: readonly (readonly [string, object, object])[] = [
  ['a token', { mode: 'none' }, { mode: 'required' }],
  ['no bad token', { mode: 'none' }, { mode: 'optional' }],
  ['a token from everybody', { mode: 'optional' }, { mode: 'required' }],
  ['a scope', { scope: ['a'] }, { scope: ['a', 'b'] }],
  ['a role', {}, { roles: ['admin'] }],
  ['fewer roles', { roles: ['admin', 'clerk'] }, { roles: ['admin'] }],
  ['freshness', { maxStalenessSeconds: 20 }, { maxStalenessSeconds: 5 }],
  ['a recent sign-in', {}, { recentAuthSeconds: 300 }],
]

test('a rewrite that leads round what another route asks for is a mistake of the file', () => {
  for (const [name, laxer, stricter] of guarded) {
    assert.deepEqual(mistakesOf(laxer, stricter), ['/routes/0/rewrite'], name)
    assert.deepEqual(mistakesOf(stricter, laxer), [], `${name}, the other way`)
    assert.deepEqual(mistakesOf(stricter, stricter), [], `${name}, the same`)
  }
  const [one, other] = [{ audience: 'reviews' }, { audience: 'orders' }]
  assert.deepEqual(mistakesOf(one, other), ['/routes/0/rewrite'])
  assert.deepEqual(mistakesOf(other, one), ['/routes/0/rewrite'])
  const [laxer, stricter] = [{ mode: 'none' }, { mode: 'required' }]
  assert.deepEqual(mistakesOf(laxer, stricter, { to: ['http://127.0.0.1:4002'] }), [])
  assert.deepEqual(mistakesOf(laxer, stricter, { methods: ['DELETE'] }, { methods: ['GET'] }), [])
  assert.deepEqual(mistakesOf(laxer, stricter, {}, { rewrite: '/files/*' }), [])
  assert.deepEqual(mistakesOf(laxer, stricter, {}, { rewrite: '/adm/*' }), [])
  const both = mistakesOf(laxer, stricter, { match: '/b/*', rewrite: '/admin/b/*' })
  assert.deepEqual(both, ['/routes/0/rewrite'])
})

const to = ['http://127.0.0.1:4001']

function mistakesOf(
  laxer: object,
  stricter: object,
  other: object = {},
  own: object = {},
): unknown {
  const routes = [
    { match: '/public/*', to, rewrite: '/*', auth: laxer, ...own },
    { match: '/admin/*', to, auth: stricter, ...other },
  ]
  const file = {
    listen: { port: 0 },
    issuer: 'https://id.example',
    auth: { audience: 'orders' },
    routes,
  }
  try {
    parseGatewaySettings(file)
    return []
  } catch (error) {
    return String(error)
      .match(/^ {2}(\/\S*)/gm)
      ?.map((line) => line.trim())
  }
}

function matchOf(text: string): Parameters<typeof fits>[0] {
  const parsed = parseRouteMatch(text)
  assert.ok(parsed.kind === 'match')
  return parsed.match
}
