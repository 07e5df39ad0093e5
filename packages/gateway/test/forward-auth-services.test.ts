import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { after, before, describe, test } from 'node:test'
import type {
  TestIssuer,
  TestIssuerOptions,
  Vector,
  VectorRecipe,
} from '@portcullis/verify/testing'
import { buildVector, createTestIssuer } from '@portcullis/verify/testing'
import type { BuiltService } from './foreign-services.ts'
import { languages } from './foreign-services.ts'
import type { FrontProxyKind } from './front-proxies.ts'
import { frontProxies } from './front-proxies.ts'
import type { Question } from './http-client.ts'
import { ask, sendRaw } from './http-client.ts'
import { startWorld } from './world.ts'

const file = new URL('../../../vectors/access-tokens.json', import.meta.url)
const corpus = (JSON.parse(readFileSync(file, 'utf8')) as readonly Vector[]).filter(
  ({ carrier, requires }) => carrier !== 'call' && requires === undefined,
)

/**
 * What our own verifier refuses though the issuer itself has signed it: strange JSON, claims of a strange form,
 * long lives. It never signs such tokens, so nobody else can make one.
 */
function isOfTheIssuer({ recipe, expected }: Vector): boolean {
  const { reason = '' } = expected
  const strictness = ['malformed', 'malformed-claims', 'unsupported-extension', 'lives-too-long']
  return recipe.signature === undefined && strictness.includes(reason)
}

/** The server of the JDK makes a space of it. */
const knownToPass: ReadonlySet<string> = new Set(['java V93-tab'])

for (const { name, skip, build } of languages) {
  describe(`a service behind forward-auth in ${name}`, { skip }, () => {
    let built: BuiltService
    before(() => {
      built = build()
    })
    after(() => built?.remove())

    const startFor = async (t: TestContext, options: TestIssuerOptions): Promise<Ready> => {
      const issuer = await createTestIssuer(options)
      const service = await built.start(issuer.issuer)
      t.after(() => Promise.all([issuer.close(), service.stop()]))
      return { issuer, port: service.port }
    }

    for (const algorithm of ['RS256', 'ES256'] as const) {
      test(`${name}: it accepts valid tokens and no forged one of the corpus, ${algorithm}`, async (t) => {
        const ready = await startFor(t, { algorithm })
        await judgeCorpus(name, ready, algorithm)
      })
    }

    test(`${name}: a new key of the issuer is taken up, and without keys nobody is let in`, async (t) => {
      const { issuer, port } = await startFor(t, { algorithm: 'ES256' })
      const older = issuer.mint()
      issuer.goDown()
      assert.equal(await statusOf(port, older), 503)
      issuer.comeBack()
      // It asks again after a second, so that strangers cannot make it ask all the time.
      await until(async () => (await statusOf(port, older)) === 200)
      issuer.rotate()
      const newer = issuer.mint()
      await until(async () => (await statusOf(port, newer)) === 200)
    })

    const proxy = frontProxies.find((kind) => kind.skip === false)
    const skipChain = proxy === undefined && 'neither nginx nor Caddy is there'
    test(
      `${name}: behind a proxy it knows who calls, and nobody speaks for another`,
      { skip: skipChain },
      async (t) => {
        if (proxy !== undefined) await standBehind(t, built, proxy)
      },
    )
  })
}

/** A service behind a proxy that asks the gateway. */
async function standBehind(
  t: TestContext,
  built: BuiltService,
  proxy: FrontProxyKind,
): Promise<void> {
  const world = await startWorld(t, {
    file: () => ({
      trustedProxies: ['127.0.0.1'],
      forwardAuth: { dialect: proxy.name },
      routes: [{ match: '/orders/*' }, { match: '/orders/caller', auth: { mode: 'optional' } }],
      identityHeaders: {
        subject: 'X-Auth-Subject',
        roles: 'X-Auth-Roles',
        scope: 'X-Auth-Scope',
        session: 'X-Auth-Session',
      },
    }),
  })
  const service = await built.start(world.issuer.issuer)
  const front = await proxy.start({ gateway: world.port, service: service.port })
  t.after(() => Promise.all([service.stop(), front.stop()]))
  const claims = { sub: 'jürgen, 1+1', roles: ['a,admin', '100%'], scope: 'a b', sid: 's' }
  const token = world.issuer.mint(claims)
  const asked = (question: Question): ReturnType<typeof ask> => ask(front.port, question)

  const known = await asked({ path: '/orders/caller', token })
  assert.equal(known.status, 200, known.body)
  const { sub: subject, roles, sid: session } = claims
  assert.deepEqual(known.json(), { subject, roles, scope: ['a', 'b'], session })
  const verified = await asked({ path: '/orders/claims', token })
  assert.equal(verified.json()['subject'], subject)

  const headers = ['X-Auth-Subject', 'admin', 'X-Auth-Roles', 'admin']
  assert.equal((await asked({ path: '/orders/caller', headers })).status, 401)
  const both = await asked({ path: '/orders/caller', headers, token })
  assert.deepEqual(both.json()['roles'], roles)
  assert.equal((await asked({ path: '/orders/claims' })).status, 401)
  const twice = [...headers, 'X-Auth-Subject', 'root']
  assert.equal((await ask(service.port, { path: '/orders/caller', headers: twice })).status, 401)
}

async function judgeCorpus(
  name: string,
  ready: Ready,
  algorithm: 'RS256' | 'ES256',
): Promise<void> {
  const own = corpus.filter((vector) => (vector.algorithm ?? 'RS256') === algorithm)
  assert.ok(own.length >= 20, 'the corpus was not found')
  let refused = 0
  for (const vector of own) {
    const { id, recipe, forges, expected } = vector
    const status = await present(ready, recipe)
    if (expected.status === 200) {
      assert.equal(status, 200, `${id}: ${forges}`)
    } else if (!isOfTheIssuer(vector) && !knownToPass.has(`${name} ${id}`)) {
      assert.ok([400, 401, 431].includes(status), `${id}: ${forges}: ${status}`)
      refused += 1
    }
  }
  assert.ok(refused > (algorithm === 'RS256' ? 200 : 15), `only ${refused} were refused`)
}

interface Ready {
  readonly issuer: TestIssuer
  readonly port: number
}

async function present({ issuer, port }: Ready, recipe: VectorRecipe): Promise<number> {
  const { authorization } = buildVector(recipe, issuer)
  const fields = authorization.map((value) => `Authorization: ${value}\r\n`).join('')
  const frame = 'GET /orders/claims HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n'
  const raw = await sendRaw(port, `${frame}${fields}\r\n`)
  return Number(/^HTTP\/1\.[01] (\d{3}) /.exec(raw)?.[1])
}

async function statusOf(port: number, token: string): Promise<number> {
  return (await ask(port, { path: '/orders/claims', token })).status
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, 'it does not come')
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}
