import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { Answered, Question } from './asking.ts'
import { ask } from './asking.ts'
import { judge } from './judging.ts'
import { bodyBytesMax, bodyOf } from './pattern.ts'
import type { Scene } from './scene.ts'
import { newNonce } from './scene.ts'
import type { HeldToken } from './sessions.ts'

/** What a client may not say: the service must hear none of it. */
const forged = [
  'X-Auth-Subject',
  'mallory',
  'X_Auth_Roles',
  'admin',
  'x-auth-session',
  'stolen',
  'X-Forwarded-For',
  '1.2.3.4',
  'Forwarded',
  'for=1.2.3.4',
]

/** The header fields that the gateway writes about every request. */
const aboutRequest: readonly (readonly [string, string])[] = [
  ['x-forwarded-for', '127.0.0.1'],
  ['x-forwarded-host', 'shop.example'],
  ['x-forwarded-proto', 'http'],
]

export async function get(scene: Scene): Promise<void> {
  await exchange(scene, { kind: 'GET', token: scene.sessions.live() })
}

export async function post(scene: Scene): Promise<void> {
  const { chance, sessions } = scene
  const text = 'x'.repeat(chance.integer(1, 2000)) + newNonce()
  const isChunked = chance.oneIn(4)
  await exchange(scene, { kind: 'POST', token: sessions.live(), text, isChunked })
}

export async function getPublic(scene: Scene): Promise<void> {
  const path = `/public/echo/${newNonce()}`
  await exchange(scene, { kind: 'public GET', token: undefined, path })
}

export async function getFromOne(scene: Scene): Promise<void> {
  const path = `/alone/echo/${newNonce()}`
  const token = scene.sessions.live()
  await exchange(scene, { kind: 'GET of one service', token, path, isAlone: true })
}

export async function getSlowly(scene: Scene): Promise<void> {
  const path = `/orders/slow/${newNonce()}/${scene.chance.integer(50, 1500)}`
  await exchange(scene, { kind: 'GET of a slow answer', token: scene.sessions.live(), path })
}

/** By a session that has ended: soon it must be refused. */
export async function getWhenEnded(scene: Scene): Promise<void> {
  const token = scene.sessions.ended()
  if (token === undefined) return getPublic(scene)
  await exchange(scene, { kind: 'GET by an ended session', token })
}

export async function getWhenExpired(scene: Scene): Promise<void> {
  const token = scene.sessions.expired()
  if (token === undefined) return getPublic(scene)
  await exchange(scene, { kind: 'GET by an old token', token })
}

interface Exchange {
  readonly kind: string
  readonly token: HeldToken | undefined
  readonly path?: string
  readonly text?: string
  readonly isChunked?: boolean
  readonly isAlone?: boolean
}

/** Asks a service what it was asked. */
async function exchange(scene: Scene, asked: Exchange): Promise<void> {
  const { kind, token, text, isChunked = false, isAlone = false } = asked
  const { path = `/orders/echo/${newNonce()}` } = asked
  const method = text === undefined ? 'GET' : 'POST'
  const headers = [...forged, ...authorizationOf(token)]
  const question: Question =
    text === undefined
      ? { method, path, headers }
      : { method, path, headers, body: Buffer.from(text), isChunked }
  judge(scene, await ask(scene, question), {
    kind,
    token,
    status: 200,
    isRepeatable: text === undefined,
    isAlone,
    mismatch: (answer) => echoMismatch(answer, { method, url: path, body: text ?? '' }, token),
  })
}

function authorizationOf(token: HeldToken | undefined): readonly string[] {
  return token === undefined ? [] : ['Authorization', `Bearer ${token.text}`]
}

interface Echoed {
  readonly about: readonly (readonly [string, string])[]
  readonly authorization?: string
  readonly requestId: string
}

/** What an answer says otherwise than its request was. */
function echoMismatch(
  answer: Answered,
  sent: Readonly<Record<string, unknown>>,
  token: HeldToken | undefined,
): string | undefined {
  const echoed = JSON.parse(answer.body.toString()) as Echoed & Readonly<Record<string, unknown>>
  for (const [name, value] of Object.entries(sent)) {
    if ((echoed[name] ?? '') !== value) return `${name} is ${JSON.stringify(echoed[name])}`
  }
  if (echoed.authorization !== (token && `Bearer ${token.text}`)) return 'another token'
  if (echoed.requestId !== answer.headers['x-request-id']) return 'the id of another request'
  const told = new Map(echoed.about)
  const wanted = new Map([...(token?.about ?? []), ...aboutRequest])
  if (told.size !== echoed.about.length) return 'a header field that stands there twice'
  if (told.size !== wanted.size) return `other header fields: ${[...told.keys()].join(', ')}`
  for (const [name, value] of wanted) if (told.get(name) !== value) return `another ${name}`
  return undefined
}

export async function upload(scene: Scene): Promise<void> {
  const { chance, sessions } = scene
  const token = sessions.live()
  const bytes = chance.integer(1, chance.oneIn(4) ? bodyBytesMax : 200_000)
  const body = bodyOf(chance.integer(0, 1_000_000), bytes)
  const path = `/orders/upload/${newNonce()}`
  const isChunked = chance.oneIn(2)
  const headers = authorizationOf(token)
  const answer = await ask(scene, { method: 'PUT', path, headers, body, isChunked })
  judge(scene, answer, {
    kind: 'upload',
    token,
    status: 200,
    isRepeatable: false,
    mismatch: (said) => {
      const {
        bytes: got,
        sha256,
        url,
      } = JSON.parse(said.body.toString()) as Record<string, unknown>
      if (got !== bytes || url !== path)
        return `another body: ${String(got)} octets to ${String(url)}`
      return sha256 === sha256Of(body) ? undefined : 'another body of the same length'
    },
  })
}

function sha256Of(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex')
}

export async function download(scene: Scene): Promise<void> {
  const { chance, sessions } = scene
  const token = sessions.live()
  const bytes = chance.integer(1, chance.oneIn(4) ? bodyBytesMax : 200_000)
  const start = chance.integer(0, 1_000_000)
  const path = `/orders/file/${start}/${bytes}`
  const slowly = chance.oneIn(4) ? { pauseMs: 5 } : {}
  const answer = await ask(scene, {
    method: 'GET',
    path,
    headers: authorizationOf(token),
    ...slowly,
  })
  judge(scene, answer, {
    kind: 'download',
    token,
    status: 200,
    isRepeatable: true,
    mismatch: ({ body }) => (body.equals(bodyOf(start, bytes)) ? undefined : 'another body'),
  })
}

/** The version of the settings that was in force. */
export async function getMarker(scene: Scene): Promise<void> {
  const nonce = newNonce()
  const answer = await ask(scene, { method: 'GET', path: `/marker/${nonce}`, headers: [] })
  judge(scene, answer, {
    kind: 'GET by a version of the file',
    token: undefined,
    status: 200,
    isRepeatable: true,
    mismatch: ({ fromMs, untilMs, body }) => {
      const { url } = JSON.parse(body.toString()) as { url: string }
      const versions = scene.settings.between(fromMs, untilMs)
      const known = versions.some((version) => url === `/marker-${version}/${nonce}`)
      return known ? undefined : `not one of the versions ${versions.join(', ')}`
    },
  })
}

interface Refused {
  readonly kind: string
  readonly status: number
  readonly code: string
  readonly question: Omit<Question, 'headers'>
  readonly isAnonymous?: boolean
}

const refusals: readonly [Refused, ...Refused[]] = [
  {
    kind: 'without a token',
    status: 401,
    code: 'missing-token',
    question: { method: 'GET', path: '/orders/echo' },
    isAnonymous: true,
  },
  {
    kind: 'without the scope',
    status: 403,
    code: 'insufficient-scope',
    question: { method: 'POST', path: '/refunds/1', body: Buffer.from('x') },
  },
  {
    kind: 'no route',
    status: 404,
    code: 'not-found',
    question: { method: 'GET', path: '/nowhere' },
  },
  {
    kind: 'a doubtful path',
    status: 400,
    code: 'ambiguous-target',
    question: { method: 'GET', path: '/public/%2e%2e/orders' },
  },
  {
    kind: 'too large a body',
    status: 413,
    code: 'too-large',
    question: { method: 'POST', path: '/orders/echo', body: bodyOf(0, bodyBytesMax + 1) },
  },
  {
    kind: 'too large a body in chunks',
    status: 413,
    code: 'too-large',
    question: {
      method: 'POST',
      path: '/orders/upload',
      body: bodyOf(0, bodyBytesMax + 1),
      isChunked: true,
    },
  },
]

/** What must never reach a service. */
export async function getRefused(scene: Scene): Promise<void> {
  const { kind, status, code, question, isAnonymous = false } = scene.chance.pick(refusals)
  const token = isAnonymous ? undefined : scene.sessions.live()
  const answer = await ask(scene, { ...question, headers: authorizationOf(token) })
  judge(scene, answer, {
    kind,
    token,
    status,
    isRepeatable: question.body === undefined,
    mismatch: ({ body, headers }) => {
      const said = JSON.parse(body.toString()) as { code: string }
      if (headers['content-type'] !== 'application/problem+json') return 'no problem document'
      return said.code === code ? undefined : 'another code'
    },
  })
}
