/** Who stands behind the gateway: each route has a service of its own, so that who is reached tells which rule was taken. */
export const services = [
  'orders',
  'managed',
  'optional',
  'public',
  'status',
  'reads',
  'writes',
  'shop',
  'whole',
  'intern',
  'intern-port',
] as const

export type ServiceName = (typeof services)[number]

/** A route as the file has it and as the judge reads it; the first that fits is the most specific. */
export interface Rule {
  readonly service: ServiceName
  readonly host?: string
  readonly match: string
  readonly methods?: readonly string[]
  readonly rewrite?: string
  readonly auth?: {
    readonly mode?: 'required' | 'optional' | 'none'
    readonly scope?: readonly string[]
    readonly roles?: readonly string[]
  }
}

const none = { mode: 'none' } as const

export const rules: readonly Rule[] = [
  { service: 'intern-port', host: 'intern.example:8443', match: '/public/*', auth: none },
  { service: 'intern', host: 'intern.example', match: '/*', auth: { scope: ['orders:write'] } },
  { service: 'status', match: '/status', auth: none },
  { service: 'managed', match: '/orders/managed/*', auth: { roles: ['admin'] } },
  { service: 'orders', match: '/orders/*' },
  { service: 'optional', match: '/optional/*', auth: { mode: 'optional' } },
  { service: 'public', match: '/public/*', auth: none },
  { service: 'reads', match: '/reads/*', methods: ['GET', 'HEAD'], auth: none },
  { service: 'writes', match: '/writes/*', methods: ['POST', 'PUT', 'DELETE'] },
  { service: 'shop', match: '/shop/*', rewrite: '/store/v1/*', auth: none },
  { service: 'whole', match: '/whole/*', rewrite: '/*', auth: none },
]

const audience = 'orders'

export const identityHeaders = {
  subject: 'X-User-Id',
  roles: 'X-Roles',
  scope: 'X-Scopes',
  session: 'X-Session-Id',
} as const

export const bodyOctetsMax = 8192
export const headBounds = {
  headerOctets: 16_384,
  fields: 100,
  methods: new Set('GET HEAD POST PUT PATCH DELETE OPTIONS PROPFIND PURGE REPORT TRACE'.split(' ')),
} as const

/** The file of the gateway. */
export function gatewayFile(
  issuer: string,
  origins: ReadonlyMap<ServiceName, string>,
): Readonly<Record<string, unknown>> {
  return {
    listen: { port: 0 },
    issuer,
    auth: { audience },
    identityHeaders,
    limits: { bodyBytes: bodyOctetsMax },
    routes: rules.map(({ service, ...rule }) => ({ ...rule, to: [origins.get(service)] })),
  }
}
