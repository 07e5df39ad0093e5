import type { JsonObject } from '@portcullis/protocol'
import type { Seen } from './faults.ts'

/** Looks at what the metadata says (RFC 8414 section 2), for the issuer that was asked for. */
export function faultsOfMetadata(metadata: JsonObject, issuer: string): readonly Seen[] {
  return [
    ...(metadata['issuer'] === issuer
      ? []
      : [
          {
            fault: 'issuer-differs' as const,
            where: `issuer ${JSON.stringify(metadata['issuer'])}`,
          },
        ]),
    ...addressesIn(metadata)
      .filter(([, url]) => isPlainHttp(url))
      .map(([name]): Seen => ({ fault: 'plain-http', where: name })),
    ...algorithmsIn(metadata).flatMap(([name, algorithms]): Seen[] => [
      ...(algorithms.some((algorithm) => algorithm.toLowerCase() === 'none')
        ? [{ fault: 'none-supported' as const, where: name }]
        : []),
      ...(algorithms.some((algorithm) => algorithm.startsWith('HS'))
        ? [{ fault: 'secrets-supported' as const, where: name }]
        : []),
    ]),
  ]
}

/** Two documents of one issuer, of which some clients read one and some the other. */
export function differencesOf(one: JsonObject, other: JsonObject): readonly Seen[] {
  return ['issuer', 'jwks_uri', 'token_endpoint']
    .filter((name) => one[name] !== other[name])
    .map((name) => ({ fault: 'documents-differ', where: name }))
}

const loopback: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Not on loopback, where nobody is between. */
export function isPlainHttp(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && url.protocol === 'http:' && !loopback.has(url.hostname)
}

function addressesIn(metadata: JsonObject): readonly (readonly [string, string])[] {
  return Object.entries(metadata).flatMap(([name, value]) =>
    (name === 'issuer' || name === 'jwks_uri' || name.endsWith('_endpoint')) &&
    typeof value === 'string'
      ? [[name, value] as const]
      : [],
  )
}

/** Of what it signs itself: clients may sign what they send to it with their secret. */
const signedByIssuer = [
  'id_token_signing_alg_values_supported',
  'userinfo_signing_alg_values_supported',
  'introspection_signing_alg_values_supported',
  'authorization_signing_alg_values_supported',
]

function algorithmsIn(metadata: JsonObject): readonly (readonly [string, readonly string[]])[] {
  return signedByIssuer.flatMap((name) => {
    const value = metadata[name]
    return Array.isArray(value) ? [[name, value.map(String)] as const] : []
  })
}
