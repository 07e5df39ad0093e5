import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { sendRaw } from './http-client.ts'
import { startWorld } from './world.ts'

function linesOf(log: string): Record<string, unknown>[] {
  const lines = log.split('\n').filter((line) => line !== '')
  const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  return entries.filter(({ msg }) => msg === 'request')
}

test('each request has one line: method, route, status, time, request id and subject', async (t) => {
  const { ask, issuer, log } = await startWorld(t, {
    file: (to) => ({
      routes: [
        { match: '/orders/*', to, auth: { scope: ['orders:read'] } },
        { match: '/public/*', to, methods: ['GET'], auth: { mode: 'none' } },
      ],
    }),
  })
  const headers = ['X-Request-Id', 'id-1']
  await ask({ path: '/orders/17?page=2', token: issuer.mint({ sub: 'person' }), headers })
  await ask({ token: issuer.mint({ sub: 'person', scope: 'other' }) })
  await ask({ token: issuer.forge({ payload: { set: { sub: 'forged' } }, signature: 'stranger' }) })
  await ask({ path: '/public', method: 'PUT' })
  await ask({ path: '/nowhere' })
  const entries = linesOf(log())
  assert.deepEqual(
    entries.map(({ method, route, status, subject, complete }) => ({
      method,
      route,
      status,
      subject,
      complete,
    })),
    [
      { method: 'GET', route: '/orders/*', status: 200, subject: 'person', complete: true },
      { method: 'GET', route: '/orders/*', status: 403, subject: 'person', complete: true },
      { method: 'GET', route: '/orders/*', status: 401, subject: undefined, complete: true },
      { method: 'PUT', route: '/public/*', status: 405, subject: undefined, complete: true },
      { method: 'GET', route: undefined, status: 404, subject: undefined, complete: true },
    ],
  )
  assert.equal(entries[0]?.['requestId'], 'id-1')
  assert.ok(Number(entries[0]['durationMs']) >= 0)
})

test('a request that the gateway refuses says why in its line, and one that passes says nothing', async (t) => {
  const { ask, issuer, log } = await startWorld(t)
  const sid = 'A'.repeat(22)
  const ended = issuer.mint({ sid })
  const reasons: [string, number | undefined, string | undefined][] = []
  const asked = async (what: string, question: Parameters<typeof ask>[0]): Promise<void> => {
    await ask(question)
    const { status, reason } = linesOf(log()).at(-1) ?? {}
    reasons.push([what, status as number | undefined, reason as string | undefined])
  }
  await asked('good', { token: ended })
  issuer.revoke({ sid })
  while ((await ask({ token: ended })).status !== 401) await setTimeout(5)
  await asked('revoked', { token: ended })
  await asked('expired', { token: issuer.mint({ exp: 1_000_000, iat: 999_900 }) })
  await asked('for another', { token: issuer.mint({ aud: 'other' }) })
  await asked('forged', { token: issuer.forge({ signature: 'stranger' }) })
  await asked('none', {})
  await asked('nowhere', { path: '/nowhere' })
  const token = issuer.mint()
  issuer.goDown()
  await asked('of an unknown key', { token: issuer.forge({ header: { set: { kid: 'another' } } }) })
  await asked('good while the issuer is down', { token })
  assert.deepEqual(reasons, [
    ['good', 200, undefined],
    ['revoked', 401, 'revoked'],
    ['expired', 401, 'expired'],
    ['for another', 401, 'wrong-audience'],
    ['forged', 401, 'bad-signature'],
    ['none', 401, 'missing-token'],
    ['nowhere', 404, 'not-found'],
    ['of an unknown key', 503, 'keys-unavailable'],
    ['good while the issuer is down', 200, undefined],
  ])
})

test('no token, path, query, header or body ever reaches the log', async (t) => {
  const { ask, issuer, log, port } = await startWorld(t)
  const tokens = [
    issuer.mint(),
    issuer.forge({ signature: 'stranger' }),
    issuer.mint({ aud: 'other' }),
    issuer.mint({ exp: 1_000_000, iat: 999_900 }),
  ]
  for (const token of tokens) {
    for (const path of ['/orders', '/optional', '/public', '/nowhere']) {
      const headers = [
        'Cookie',
        `session=secret-cookie; token=${token}`,
        'X-Secret',
        'secret-header',
      ]
      const target = `${path}/secret-path?access_token=${token}&q=secret-query`
      await ask({ method: 'POST', path: target, token, headers, body: 'secret-body' })
    }
    // Refused before, while and after it could be read as a request.
    await sendRaw(port, `GET /%2e?${token} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    await sendRaw(port, `GET /secret-path HTTP/1.1\r\nAuthorization : Bearer ${token}\r\n\r\n`)
    await sendRaw(port, `CONNECT secret-path:1 HTTP/1.1\r\nHost: a\r\nX: ${token}\r\n\r\n`)
  }
  const text = log()
  assert.ok(linesOf(text).length >= tokens.length * 5)
  assert.ok(!text.includes('secret'))
  let searched = 0
  for (const token of tokens) {
    for (const part of token.split('.').filter((piece) => piece.length >= 16)) {
      searched += 1
      assert.ok(!text.includes(part))
    }
  }
  assert.ok(searched >= tokens.length * 3)
})

test('a subject cannot write lines or terminal commands into the log', async (t) => {
  const { ask, issuer, log } = await startWorld(t)
  // Control characters are no part of a subject at all; what is left cannot end a JSON string.
  assert.equal((await ask({ token: issuer.mint({ sub: 'a\n{"msg":"request"}' }) })).status, 401)
  assert.equal(
    (await ask({ token: issuer.mint({ sub: '","status":500,"x":"\u2028' }) })).status,
    200,
  )
  const [refused, letIn, ...others] = linesOf(log())
  assert.equal(refused?.['subject'], undefined)
  assert.equal(letIn?.['subject'], '","status":500,"x":"\u2028')
  assert.equal(letIn['status'], 200)
  assert.deepEqual(others, [])
})
