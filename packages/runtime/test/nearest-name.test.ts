import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkAgainstSchema, nearestName } from '../src/index.ts'

const known = ['host', 'port', 'issuer', 'clientFile', 'trustedProxies', 'PORTCULLIS_LISTEN_PORT']

test('a name is taken for the one that is a slip or two away, and for none that is further', () => {
  for (const [name, meant] of [
    ['isuer', 'issuer'],
    ['Issuer', 'issuer'],
    ['prot', 'port'],
    ['hosts', 'host'],
    ['client_file', 'clientFile'],
    ['clientFiles', 'clientFile'],
    ['trustetProxy', undefined],
    ['trustedProxys', 'trustedProxies'],
    ['PORTCULIS_LISTENPORT', 'PORTCULLIS_LISTEN_PORT'],
    ['mode', undefined],
    ['to', undefined],
    ['', undefined],
  ] as const) {
    assert.equal(nearestName(name, known), meant, name)
  }
})

test('a member that is not known is told with the one that was meant, if that is not there', () => {
  const schema = {
    type: 'object',
    additionalProperties: false,
    properties: {
      issuer: { type: 'string' },
      listen: {
        type: 'object',
        additionalProperties: false,
        properties: { port: { type: 'integer' }, host: { type: 'string' } },
      },
    },
  }
  const checked = checkAgainstSchema(schema, {
    isuer: 'a',
    listen: { port: 1, prot: 2, hots: 'b' },
    routes: [],
  })
  assert.ok(checked.kind === 'mistaken')
  assert.deepEqual(
    checked.mistakes.map(({ path, message }) => `${path} ${message}`),
    [
      '/isuer is not a known setting: did you mean issuer?',
      '/routes is not a known setting',
      '/listen/prot is not a known setting',
      '/listen/hots is not a known setting: did you mean host?',
    ],
  )
})
