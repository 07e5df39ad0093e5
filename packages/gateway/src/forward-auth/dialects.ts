/** How a proxy asks about a request, and which answers it can hand on. */
export type Dialect =
  | {
      readonly kind: 'headers'
      /** The one header that tells each; a `host` of undefined is the question's own Host. */
      readonly method: string
      readonly target: string
      readonly host: string | undefined
      /** A proxy that makes 500 of every refusal but 401 and 403. */
      readonly knowsOnly401And403: boolean
    }
  /** Asks with the request's own method, target and Host; the target stands behind our own path. */
  | { readonly kind: 'request-line' }

export type DialectName = 'nginx' | 'caddy' | 'traefik' | 'envoy'

/** Of Caddy and of Traefik, which write these three themselves, over what the client has sent. */
const forwardedHeaders: Dialect = {
  kind: 'headers',
  method: 'X-Forwarded-Method',
  target: 'X-Forwarded-Uri',
  host: 'X-Forwarded-Host',
  knowsOnly401And403: false,
}

export const dialects: Readonly<Record<DialectName, Dialect>> = {
  nginx: {
    kind: 'headers',
    method: 'X-Original-Method',
    target: 'X-Original-URI',
    host: undefined,
    knowsOnly401And403: true,
  },
  caddy: forwardedHeaders,
  traefik: forwardedHeaders,
  envoy: { kind: 'request-line' },
}
