import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'
import { connect } from 'node:http2'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { alice, cookieName, startBrowserWorld } from './browser-world.ts'

const path = (name: string): string => fileURLToPath(new URL(`tls/${name}.pem`, import.meta.url))
const tls = { cert: path('localhost-certificate'), key: path('localhost-key') }

interface Answer {
  readonly headers: IncomingHttpHeaders & { readonly ':status'?: number }
  readonly body: string
}

async function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: string,
): Promise<Answer> {
  const stream = session.request(headers)
  stream.end(body)
  const [answered] = (await once(stream, 'response')) as [Answer['headers']]
  return { headers: answered, body: await text(stream) }
}

test('over HTTP/2 the cookie is found among crumbs, and the others go on', async (t) => {
  const world = await startBrowserWorld(t)
  const { port } = await world.startNode({ listen: { port: 0, tls } })
  const origin = `https://localhost:${port}`
  const session = connect(origin, { rejectUnauthorized: false })
  t.after(() => session.destroy())
  const { identifier, password } = alice
  const login = {
    ':method': 'POST',
    ':path': '/_portcullis/login',
    'content-type': 'application/json',
    origin,
  }
  const signedIn = await ask(session, login, JSON.stringify({ identifier, password }))
  assert.equal(signedIn.headers[':status'], 200, signedIn.body)
  const own = signedIn.headers['set-cookie']?.[0]?.split(';')[0] ?? assert.fail('no cookie')

  const asked = { ':path': '/orders/1', 'sec-fetch-site': 'same-origin' }
  const served = await ask(session, { ...asked, cookie: ['a=1', own, 'b=2'] })
  assert.equal(served.headers[':status'], 200, served.body)
  assert.match(String(served.headers['set-cookie']), /^__Host-portcullis_refresh=prt_[^,]*Strict$/)
  const [request] = world.service.requests
  assert.deepEqual(request?.all('cookie'), ['a=1; b=2'])
  assert.match(String(request?.all('authorization')), /^Bearer eyJ/)

  const twice = await ask(session, { ...asked, cookie: [own, `${cookieName}=other`] })
  assert.equal(twice.headers[':status'], 400)
  const foreign = { ...asked, ':method': 'POST', 'sec-fetch-site': 'same-site', cookie: [own] }
  assert.equal((await ask(session, foreign)).headers[':status'], 403)
  const other = { ...foreign, 'sec-fetch-site': 'same-origin', origin: 'https://localhost' }
  assert.equal((await ask(session, other)).headers[':status'], 403)
  assert.equal((await ask(session, { ...other, origin }, '{}')).headers[':status'], 200)
  assert.equal(world.service.requests.length, 2)
})
