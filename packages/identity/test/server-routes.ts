import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { createMetrics } from '@portcullis/runtime'
import { bootstrap } from '../src/index.ts'
import { createPepper } from '../src/domain/refresh-tokens.ts'
import { createHttpServer } from '../src/http/server.ts'
import { openParts } from '../src/parts.ts'
import { addRoutes } from '../src/routes.ts'
import { parseIdentitySettings } from '../src/settings.ts'
import { openDatabase } from '../src/store/open-database.ts'
import { createLogInMemory, ordersAndReviews } from './running-identity.ts'

/** A route as the server itself has it. */
export interface ServerRoute {
  /** `POST /login` */
  readonly name: string
  /** The members of its body, and the fields of its query, where a schema says them. */
  readonly bodyFields: readonly string[]
  readonly requiredFields: readonly string[]
  readonly queryFields: readonly string[]
  /** What Fastify is to check of it, part by part. */
  readonly schemas: readonly object[]
}

/** Every route of the public listener, asked of the server and of no list that could be out of date. */
export async function listServerRoutes(
  t: TestContext,
  database: string,
): Promise<readonly ServerRoute[]> {
  await bootstrap({ database, accounts: [], clients: [] })
  const settings = parseIdentitySettings({ ...ordersAndReviews, database }, 'the test')
  const { log } = createLogInMemory()
  const store = await openDatabase(database)
  const close: (() => Promise<void>)[] = [store.close]
  t.after(async () => {
    for (const step of close.toReversed()) await step()
  })
  const secrets = { sealingKey: randomBytes(32), peppers: [createPepper(randomBytes(32))] as const }
  const options = { ...secrets, log, metrics: createMetrics() }
  const parts = await openParts(settings, store, options, (step) => close.push(step))
  const app = createHttpServer(log, { issuer: parts.issuer })
  close.push(() => app.close())
  const routes: ServerRoute[] = []
  app.addHook('onRoute', ({ method, url, schema }) => {
    for (const verb of [method].flat().filter((name) => name !== 'HEAD')) {
      const body = schemaFacts(schema?.body)
      routes.push({
        name: `${verb} ${url}`,
        bodyFields: body.fields,
        requiredFields: body.required,
        queryFields: schemaFacts(schema?.querystring).fields,
        schemas: Object.values(schema ?? {}).filter(isObject),
      })
    }
  })
  addRoutes(app, settings, parts)
  await app.ready()
  return routes
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function schemaFacts(schema: unknown): {
  readonly fields: readonly string[]
  readonly required: readonly string[]
} {
  const { properties = {}, required = [] } = (schema ?? {}) as {
    readonly properties?: object
    readonly required?: readonly string[]
  }
  return { fields: Object.keys(properties), required }
}
