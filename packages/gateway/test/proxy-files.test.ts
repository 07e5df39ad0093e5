import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseDocument } from 'yaml'
import { dialects } from '../src/forward-auth/dialects.ts'
import { createIdentityHeaders } from '../src/headers/identity-headers.ts'
import { parseGatewaySettings } from '../src/index.ts'

const folder = new URL('../../../examples/forward-auth/', import.meta.url)
const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8')
const guide = read('../../docs/forward-auth.md')
const gatewayFile = JSON.parse(read('portcullis.gateway.json')) as Readonly<Record<string, unknown>>
const { identityHeaders } = parseGatewaySettings(gatewayFile)

/** What an answer has, known or not: each must overwrite what the client sent. */
const managed = createIdentityHeaders(identityHeaders)
  .ofAll(undefined)
  .filter((_value, at) => at % 2 === 0)
const lowerCase = managed.map((name) => name.toLowerCase())

const files = {
  nginx: ['nginx.conf'],
  caddy: ['Caddyfile'],
  traefik: ['traefik.yaml', 'traefik-dynamic.yaml'],
  envoy: ['envoy.yaml'],
} as const

test('the file of the gateway is a right one for every proxy, and each proxy has a file that names it', () => {
  assert.deepEqual(Object.keys(files).toSorted(), Object.keys(dialects).toSorted())
  for (const [dialect, [first]] of Object.entries(files)) {
    const { forwardAuth } = parseGatewaySettings({ ...gatewayFile, forwardAuth: { dialect } })
    assert.deepEqual(forwardAuth, { dialect, proxies: ['127.0.0.1'] })
    assert.ok(read(first).includes(`"forwardAuth": { "dialect": "${dialect}" }`), first)
  }
})

test('the file in the guide is a right one', () => {
  const [, text] = /^```json\n(.*?)^```$/ms.exec(guide) ?? []
  assert.ok(text)
  assert.doesNotThrow(() => parseGatewaySettings(JSON.parse(text)))
})

test('the code in the guide stands in the programs that are run', () => {
  const programs = {
    python: ['python/service.py'],
    go: ['go/service.go', 'go/verifier.go'],
    java: ['java/Service.java', 'java/Verifier.java'],
  }
  for (const [language, names] of Object.entries(programs)) {
    const blocks = [...guide.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(
      ([, marked]) => marked === language,
    )
    assert.equal(blocks.length, 2, language)
    const texts = names.map(read)
    for (const [, , code = ''] of blocks) {
      assert.ok(
        texts.some((text) => text.includes(code)),
        `${language}: ${code}`,
      )
    }
  }
})

test('nginx takes every identity header from the answer, and gives each to the service', () => {
  const text = read('nginx.conf')
  const taken = new Map(
    [...text.matchAll(/auth_request_set (\$\w+) \$upstream_http_(x_auth_\w+);/g)].map(
      ([, variable = '', name = '']) => [name.replaceAll('_', '-'), variable],
    ),
  )
  const given = new Map(
    [...text.matchAll(/proxy_set_header (X-Auth-[\w-]+) (\$\w+);/g)].map(
      ([, name = '', variable = '']) => [name.toLowerCase(), variable],
    ),
  )
  assert.deepEqual([...taken.keys()].toSorted(), lowerCase.toSorted())
  assert.deepEqual(given, taken)
})

test('Caddy deletes and copies every identity header', () => {
  const text = read('Caddyfile')
  const deleted = [...text.matchAll(/request_header -(\S+)/g)].map(([, name]) => name)
  const [, copied = ''] = /copy_headers (.+)/.exec(text) ?? []
  assert.deepEqual(deleted, managed)
  assert.deepEqual(copied.split(' '), managed)
})

test('Traefik copies every identity header, and lets no client say what is judged', () => {
  yamlOf('traefik.yaml')
  const auth = yamlOf('traefik-dynamic.yaml').getIn(
    ['http', 'middlewares', 'portcullis', 'forwardAuth'],
    true,
  )
  assert.deepEqual(JSON.parse(JSON.stringify(auth)), {
    address: 'http://127.0.0.1:4003/_portcullis/authorize',
    trustForwardHeader: false,
    authResponseHeaders: managed,
  })
  const router = yamlOf('traefik-dynamic.yaml').getIn(
    ['http', 'routers', 'orders', 'middlewares'],
    true,
  )
  assert.deepEqual(JSON.parse(JSON.stringify(router)), ['portcullis'])
})

interface EnvoyFilter {
  readonly name: string
  readonly typed_config: {
    readonly failure_mode_allow?: boolean
    readonly allowed_headers?: { readonly patterns: readonly EnvoyPattern[] }
    readonly http_service?: {
      readonly path_prefix: string
      readonly authorization_response: {
        readonly allowed_upstream_headers: { readonly patterns: readonly EnvoyPattern[] }
      }
    }
  }
}
interface EnvoyPattern {
  readonly exact?: string
  readonly safe_regex?: { readonly regex: string }
}

test('Envoy copies every identity header, shows the gateway their aliases, and fails closed', () => {
  const manager = yamlOf('envoy.yaml').getIn(
    ['static_resources', 'listeners', 0, 'filter_chains', 0, 'filters', 0, 'typed_config'],
    true,
  )
  const config = JSON.parse(JSON.stringify(manager)) as {
    readonly http_filters: readonly EnvoyFilter[]
    readonly normalize_path: boolean
    readonly common_http_protocol_options: unknown
  }
  const [asking, router] = config.http_filters
  assert.equal(asking?.name, 'envoy.filters.http.ext_authz')
  assert.equal(router?.name, 'envoy.filters.http.router')
  assert.equal(config.normalize_path, true)
  const underscores = { headers_with_underscores_action: 'REJECT_REQUEST' }
  assert.deepEqual(config.common_http_protocol_options, underscores)
  const { failure_mode_allow, allowed_headers, http_service } = asking.typed_config
  assert.equal(failure_mode_allow, false)
  assert.equal(http_service?.path_prefix, '/_portcullis/authorize')
  const { patterns } = http_service.authorization_response.allowed_upstream_headers
  assert.deepEqual(
    patterns,
    lowerCase.map((exact) => ({ exact })),
  )
  const shown = allowed_headers?.patterns.find(({ safe_regex }) => safe_regex !== undefined)
  const isShown = new RegExp(`^(?:${shown?.safe_regex?.regex ?? '!'})$`)
  for (const name of lowerCase) {
    for (const sign of ['-', '_', '.', '~', '+']) {
      assert.match(name.replaceAll('-', sign), isShown)
    }
  }
})

function yamlOf(name: string): ReturnType<typeof parseDocument> {
  const document = parseDocument(read(name), { strict: true, uniqueKeys: true })
  assert.deepEqual([...document.errors, ...document.warnings], [])
  assert.ok(document.contents !== null)
  return document
}
