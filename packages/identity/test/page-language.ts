import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createMetrics } from '@portcullis/runtime'
import { boundPort, createHttpServer } from '../src/http/server.ts'
import { english } from '../src/http/pages/english.ts'
import type { Texts } from '../src/http/pages/texts.ts'
import type { NewAccount } from '../src/index.ts'
import { bootstrap, parseIdentitySettings } from '../src/index.ts'
import type { IdentityParts } from '../src/parts.ts'
import { openParts } from '../src/parts.ts'
import { addRoutes } from '../src/routes.ts'
import { createPepper } from '../src/domain/refresh-tokens.ts'
import { openDatabase } from '../src/store/open-database.ts'
import type { ChosenClock } from './chosen-clock.ts'
import { createChosenClock } from './chosen-clock.ts'
import type { Answer } from './http-client.ts'
import { ask } from './http-client.ts'
import { fillWithKeys, keepKeysOf, sharedSealingKey } from './key-stock.ts'
import type { Mailbox } from './mailbox.ts'
import { createMailbox } from './mailbox.ts'
import { unescapeHtml } from './page-visitor.ts'
import type { RunningIdentity } from './running-identity.ts'
import { createLogInMemory, ordersAndReviews } from './running-identity.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

/**
 * A language that nobody speaks: every word says where it comes from, and times are as in Greece. What stands on a page
 * beside it was not taken from the catalogue.
 */
export const madeUp: Texts = { ...translate(english, ''), language: 'el', locale: 'el-GR' }

/** Where the words of the catalogue are. */
export const wordsOfCatalogue: readonly string[] = placesIn(madeUp, '')

function translate<Words>(words: Words, place: string): Words {
  if (typeof words === 'string') return `⟦${place}⟧` as Words
  if (typeof words === 'function') {
    return ((...given: readonly unknown[]) =>
      [`⟦${place}⟧`, ...given.flatMap(shown)].join(' ')) as Words
  }
  const entries = Object.entries(words as object)
  return Object.fromEntries(
    entries.map(([name, within]) => [name, translate(within, `${place}/${name}`)]),
  ) as Words
}

/** Names, and the figures of a fault. */
function shown(given: unknown): readonly unknown[] {
  if (typeof given !== 'object' || given === null) return given === undefined ? [] : [given]
  return Object.values(given).filter((one) => typeof one === 'number')
}

function placesIn(words: unknown, place: string): readonly string[] {
  if (typeof words !== 'object' || words === null) return [`⟦${place}⟧`]
  return Object.entries(words).flatMap(([name, within]) =>
    ['language', 'locale'].includes(name) ? [] : placesIn(within, `${place}/${name}`),
  )
}

/** Whatever is read on a page, by eyes or ears: texts, and the attributes that are names. */
export function readIn({ body }: Answer): string {
  const read = body.replace(/<style>.*?<\/style>/s, '').replace(/<script.*?<\/script>/s, '')
  const named = [...read.matchAll(/ (?:aria-label|data-[\w-]+|title|alt|placeholder)="([^"]*)"/g)]
  const texts = read.replaceAll(/<[^>]*>/g, ' ')
  return unescapeHtml([texts, ...named.map(([, name]) => name)].join(' ')).replaceAll(/\s+/g, ' ')
}

export interface MadeUpPages extends Pick<RunningIdentity, 'issuer' | 'ask'> {
  readonly clock: ChosenClock
  readonly mailbox: Mailbox
  readonly parts: IdentityParts
}

/** An issuer whose pages are in that language. `change` puts something else into its place. */
export async function startInMadeUp(
  t: TestContext,
  {
    file,
    accounts,
    hasMail = true,
    change = () => ({}),
  }: {
    readonly file: object
    readonly accounts: readonly NewAccount[]
    readonly hasMail?: boolean
    readonly change?: (parts: IdentityParts) => Partial<IdentityParts>
  },
): Promise<MadeUpPages> {
  const folder = createTemporaryFolder()
  const database = `sqlite:${join(folder.path, 'identity.db')}`
  const clock = createChosenClock()
  const mailbox = createMailbox()
  await bootstrap({ database, accounts, clients: [] }, { now: clock.now })
  await fillWithKeys(database)
  const settings = parseIdentitySettings({ ...ordersAndReviews, ...file, database }, 'the test')
  const { log } = createLogInMemory()
  const opened = await openDatabase(database, { now: clock.now })
  const ends: (() => Promise<void>)[] = [async () => folder.remove(), opened.close]
  t.after(async () => {
    for (const end of ends.toReversed()) await end()
  })
  const options = {
    log,
    now: clock.now,
    sealingKey: sharedSealingKey,
    peppers: [createPepper(randomBytes(32))],
    metrics: createMetrics(),
    ...(hasMail && { mailer: mailbox }),
  } as const
  const parts = await openParts(settings, opened, options, (end) => ends.push(end))
  const { issuer } = parts
  const app = createHttpServer(log, { ...settings, issuer, tracing: undefined })
  addRoutes(app, settings, { ...parts, ...change(parts) }, madeUp)
  ends.push(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  await keepKeysOf(database)
  const port = boundPort(app)
  assert.ok(port > 0)
  return { issuer, ask: (question) => ask(port, question), clock, mailbox, parts }
}
