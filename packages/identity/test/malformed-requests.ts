import { Buffer } from 'node:buffer'
import type { InertRequest } from './inert-requests.ts'
import type { ServerRoute } from './server-routes.ts'

/** Stands in everything hostile here, and so in no log. */
export const marker = 'zqxjkv'

/** What goes over the wire in place of the request in perfect form. */
export interface Variant {
  readonly name: string
  readonly body?: string | Buffer
  readonly type?: string | undefined
  readonly query?: string
  readonly pathParameter?: string
  readonly headers?: Readonly<Record<string, string>>
  /** The statuses that are right. */
  readonly statuses: readonly number[]
  /** Must be named by the problem document. */
  readonly field?: string
}

/** Would end a statement, a comment, a header, a page, a template or a log line. */
export const hostileTexts: readonly string[] = [
  `${marker}' OR '1'='1'; DROP TABLE accounts; --"\`\\`,
  `${marker}\r\nSet-Cookie: ${marker}=1\r\n\r\n<script>alert(1)</script>`,
  `%27 ${marker} \${7*7}{{7*7}} $1 %s \u2028\u202e😀`,
]

/** What fits into a header field: no line break, and octets beyond ASCII. */
const hostileField = `${marker}' OR 1=1; --"\\,\t\xff\xe9<script>`
const hostileHeaders: readonly Readonly<Record<string, string>>[] = [
  { authorization: `Bearer ${hostileField}` },
  { authorization: `Basic ${Buffer.from(`${hostileField}:${hostileField}`).toString('base64')}` },
  { cookie: `__Host-portcullis_refresh=${hostileField}`, origin: hostileField },
  {
    'user-agent': hostileField,
    'x-forwarded-for': hostileField,
    'x-forwarded-host': hostileField,
    'if-none-match': hostileField,
    'last-event-id': hostileField,
  },
]

const json = 'application/json'
const urlEncoded = 'application/x-www-form-urlencoded'
const usualBodyBytesMax = 16 * 1024
const malformed = { statuses: [400] }
const wrongTypes = ['text/plain', 'multipart/form-data; boundary=x', 'application/json5', 'x']

/** Each has one fault of form. */
export function malformedVariants(request: InertRequest, route: ServerRoute): readonly Variant[] {
  return [
    ...(request.json === undefined ? [] : malformedJson(request.json, route, request)),
    ...(request.form === undefined
      ? []
      : malformedForms(request.form, request.answers === 'oauth')),
    ...malformedQueries(request, route),
    ...(route.name.includes('/:') ? hostilePaths : []),
  ]
}

/** In perfect form, with something hostile in one of the texts. */
export function hostileVariants(request: InertRequest): readonly Variant[] {
  const statuses = [request.status, 400, 401, 403, 404, 409]
  const inHeaders = hostileHeaders.map((headers) => ({
    name: Object.keys(headers).join(', '),
    headers,
    statuses,
  }))
  const inTexts = hostileTexts.flatMap((text): readonly Variant[] => [
    ...fieldsWith(request.json ?? {}, text).map(([name, member]) => ({
      name: `${name}: ${text}`,
      body: JSON.stringify({ ...request.json, [name]: member }),
      type: json,
      statuses,
    })),
    ...Object.keys(request.form ?? {}).map((name) => ({
      name: `${name}: ${text}`,
      body: new URLSearchParams({ ...request.form, [name]: text }).toString(),
      type: urlEncoded,
      statuses,
    })),
    ...Object.keys(request.query ?? {}).map((name) => ({
      name: `?${name}=${text}`,
      query: new URLSearchParams({ ...request.query, [name]: text }).toString(),
      statuses,
    })),
  ])
  return [...inHeaders, ...inTexts]
}

function malformedJson(
  good: Readonly<Record<string, unknown>>,
  { bodyFields, requiredFields }: ServerRoute,
  { bodyBytesMax = usualBodyBytesMax, ignoresUnknown = false }: Partial<InertRequest>,
): readonly Variant[] {
  const text = JSON.stringify(good)
  const [first = marker] = bodyFields
  const bodies: Readonly<Record<string, string | Buffer>> = {
    nothing: '',
    'cut off': text.slice(0, -1),
    'two documents': text + text,
    null: 'null',
    'an array': `[${text}]`,
    'a text': `"${marker}"`,
    'a byte order mark': `\ufeff${text}`,
    'UTF-16': Buffer.from(text, 'utf16le'),
    'a member that comes twice': `{"${first}":"${marker}","${first}":"${marker}"}`,
    'a huge number': `{"${first}":1e999}`,
    nesting: `{"${first}":${'['.repeat(5000)}"${marker}"${']'.repeat(5000)}}`,
    'half of a surrogate pair in a name': String.raw`{"${marker}\udc00":1}`,
    'U+0000 in a name': String.raw`{"${marker}\u0000":1}`,
  }
  return [
    ...Object.entries(bodies).map(([name, body]) => ({ name, body, type: json, ...malformed })),
    ...(ignoresUnknown ? [] : unknownMembers(good)),
    ...unfitJson(good, requiredFields),
    ...[...wrongTypes, urlEncoded, undefined].map((type) => wrongType(text, type)),
    { name: 'a long body', body: text.padEnd(bodyBytesMax + 1), type: json, statuses: [413] },
  ]
}

function unfit(name: string, body: string | Buffer, field?: string): Variant {
  const named = field === undefined ? {} : { field }
  return { name, body, type: json, ...malformed, ...named }
}

function unknownMembers(good: Readonly<Record<string, unknown>>): readonly Variant[] {
  return [
    unfit('an unknown member', JSON.stringify({ ...good, [marker]: 1 }), `/${marker}`),
    unfit('a prototype', '{"__proto__":{"admin":true}}', '/__proto__'),
  ]
}

function unfitJson(
  good: Readonly<Record<string, unknown>>,
  requiredFields: readonly string[],
): readonly Variant[] {
  const replaced = (name: string, member: unknown): string =>
    JSON.stringify({ ...good, [name]: member })
  const texts = (text: string): readonly (readonly [string, unknown])[] => fieldsWith(good, text)
  return [
    ...requiredFields.map((name) =>
      unfit(`no ${name}`, JSON.stringify({ ...good, [name]: undefined }), `/${name}`),
    ),
    ...Object.keys(good).map((name) =>
      unfit(`${name} of another type`, replaced(name, [[marker]]), `/${name}`),
    ),
    ...texts(marker.repeat(600)).map(([name, long]) =>
      unfit(`a long ${name}`, replaced(name, long), `/${name}`),
    ),
    ...texts('')
      // An attribute may be an empty text.
      .filter(([name]) => name !== 'attributes')
      .map(([name, empty]) => unfit(`an empty ${name}`, replaced(name, empty), `/${name}`)),
    ...texts(`${marker}\0`).map(([name, nul]) => unfit(`U+0000 in ${name}`, replaced(name, nul))),
    ...texts(`${marker}\ud800`).map(([name, half]) =>
      unfit(`half of a surrogate pair in ${name}`, replaced(name, half)),
    ),
    ...texts(`${marker}\xff\xfe`).map(([name, broken]) =>
      unfit(`broken UTF-8 in ${name}`, Buffer.from(replaced(name, broken), 'latin1')),
    ),
  ]
}

/** Unknown parameters are ignored, as RFC 6749 section 3.2 demands; a page has no name for a fault. */
function malformedForms(
  good: Readonly<Record<string, string>>,
  emptyIsRefused: boolean,
): readonly Variant[] {
  const text = new URLSearchParams(good).toString()
  const put = (name: string, encoded: string): string =>
    new URLSearchParams({ ...good, [name]: '' })
      .toString()
      .replace(`${name}=`, `${name}=${marker}${encoded}`)
  const form = (name: string, body: string | Buffer): Variant => ({
    name,
    body,
    type: urlEncoded,
    ...malformed,
  })
  return [
    // Where the client comes first, it is missing first.
    ...(emptyIsRefused ? [{ ...form('nothing', ''), statuses: [400, 401] }] : []),
    ...Object.keys(good).flatMap((name) => [
      form(`${name} twice`, `${text}&${name}=${marker}`),
      form(`${name} twice in two spellings`, `${text}&%${hexOf(name)}${name.slice(1)}=${marker}`),
      form(`U+0000 in ${name}`, put(name, '%00')),
      form(`broken UTF-8 in ${name}`, Buffer.from(put(name, '\xff'), 'latin1')),
      form(`broken UTF-8 in ${name}, encoded`, put(name, '%ff')),
      form(`an overlong slash in ${name}`, put(name, '%c0%af')),
      form(`half of a surrogate pair in ${name}`, put(name, '%ed%a0%80')),
      form(`half of an escape in ${name}`, put(name, '%zz')),
    ]),
    ...[...wrongTypes, json, undefined].map((type) => wrongType(text, type)),
    {
      name: 'a long body',
      body: text.padEnd(usualBodyBytesMax + 1, '+'),
      type: urlEncoded,
      statuses: [413],
    },
  ]
}

function malformedQueries(
  { query = {}, answers, status }: InertRequest,
  { queryFields }: ServerRoute,
): readonly Variant[] {
  const text = new URLSearchParams(query).toString()
  const names = Object.keys(query)
  return [
    ...names.flatMap((name) => [
      { name: `${name} twice`, query: `${text}&${name}=${marker}`, ...malformed },
      { name: `a long ${name}`, query: `${name}=${marker.repeat(400)}`, ...malformed },
      { name: `${name} in brackets`, query: `${name}[]=${marker}`, statuses: [status, 200, 400] },
      // No name of ours holds it.
      { name: `U+0000 in ${name}`, query: `${name}=${marker}%00`, statuses: [404] },
      { name: `broken UTF-8 in ${name}`, query: `${name}=${marker}%ff`, ...malformed },
      { name: `half of an escape in ${name}`, query: `${name}=${marker}%`, ...malformed },
    ]),
    // A page takes no offence at what others add to its address.
    ...(answers !== 'page' && (queryFields.length > 1 || queryFields.includes('identifier'))
      ? [
          {
            name: 'an unknown parameter',
            query: `${text}&${marker}=1`,
            field: `/${marker}`,
            ...malformed,
          },
        ]
      : []),
  ]
}

const hostilePaths: readonly Variant[] = [
  `${marker}%27%20OR%201=1;%20--`,
  `${marker}%0d%0aSet-Cookie:%20${marker}=1`,
  `${marker}%00`,
  `..%2f..%2f${marker}`,
  `${marker}%e2%80%a8`,
  marker.repeat(20),
  '__proto__',
  'constructor',
]
  .map((pathParameter) => ({ name: `path ${pathParameter}`, pathParameter, statuses: [404] }))
  .concat(
    [`${marker}%ff`, `${marker}%ed%a0%80`, `${marker}%zz`, `${marker}%`].map((pathParameter) => ({
      name: `path ${pathParameter}`,
      pathParameter,
      statuses: [400],
    })),
  )

function wrongType(body: string, type: string | undefined): Variant {
  return { name: `content type ${type ?? 'missing'}`, body, type, statuses: [415] }
}

/** The members that hold texts, each with this one in their place. */
function fieldsWith(
  good: Readonly<Record<string, unknown>>,
  text: string,
): readonly (readonly [string, unknown])[] {
  return Object.entries(good).flatMap(([name, member]): readonly (readonly [string, unknown])[] => {
    if (typeof member === 'string') return [[name, text]]
    if (Array.isArray(member)) return [[name, [text]]]
    if (typeof member === 'object') return [[name, { tenant: text }]]
    return []
  })
}

function hexOf(name: string): string {
  return name.charCodeAt(0).toString(16)
}
