import { rmSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import type { Chance } from '../crash/chance.ts'
import type { Book } from './book.ts'
import type { GatewayProcess } from './gateway-process.ts'
import { bodyBytesMax } from './pattern.ts'

/** The settings file of a gateway, which is written anew all the time, and sometimes wrongly. */
export interface SettingsVersions {
  /** Which versions a request may have been served by. */
  readonly between: (fromMs: number, untilMs: number) => readonly number[]
  readonly change: (gateway: GatewayProcess) => Promise<void>
  /** The log may say now that the file is not taken. */
  readonly isBad: () => boolean
  readonly noteRefused: () => void
}

export interface SettingsOptions {
  readonly path: string
  readonly issuer: string
  readonly port: number
  readonly operationsPort: number
  readonly services: readonly [string, string]
  readonly chance: Chance
  readonly book: Book
}

interface Version {
  readonly number: number
  readonly writtenAtMs: number
  inForceAtMs: number
}

/** How long the file may be in coming into force: it is looked at each second, and keys are fetched. */
const patienceMs = 20_000
/** No connection of ours is to be left at the end. */
const headers = { connection: 'close' }
const versionsKept = 10

/** What the gateway promises of sessions that have ended, in the slower of its two settings. */
export const stalenessSecondsMax = 31

export function keepSettings(options: SettingsOptions): SettingsVersions {
  const { chance, book } = options
  const file: SettingsFile = { options, versions: [], isBad: false, refusals: 0, shape: firstShape }
  const first = write(file)
  first.inForceAtMs = first.writtenAtMs
  return {
    isBad: () => file.isBad,
    noteRefused: () => (file.refusals += 1),
    between: (fromMs, untilMs) =>
      file.versions
        .filter(({ writtenAtMs }, at) => {
          const next = file.versions[at + 1]
          return writtenAtMs <= untilMs && (next === undefined || next.inForceAtMs >= fromMs)
        })
        .map(({ number }) => number),
    change: async (gateway) => {
      if (chance.oneIn(3)) {
        const [kind, text] = chance.pick(badFiles(options, file.shape))
        await writeBad(file, gateway, text)
        book.count(`bad files: ${kind}`)
      } else {
        const [kind, shape] = chance.pick(changes(file.shape))
        file.shape = shape
        await writeGood(file, gateway)
        book.count(`reloads: ${kind}`)
      }
    },
  }
}

interface SettingsFile {
  readonly options: SettingsOptions
  readonly versions: Version[]
  isBad: boolean
  refusals: number
  shape: Shape
}

function write({ options, versions, shape }: SettingsFile): Version {
  const number = (versions.at(-1)?.number ?? 0) + 1
  const version = { number, writtenAtMs: Date.now(), inForceAtMs: Infinity }
  versions.push(version)
  if (versions.length > versionsKept) versions.shift()
  writeFileSync(options.path, JSON.stringify(settingsOf(options, number, shape)))
  return version
}

async function writeGood(file: SettingsFile, gateway: GatewayProcess): Promise<void> {
  const version = write(file)
  announce(file, gateway)
  await untilServed(file, version)
}

async function writeBad(
  file: SettingsFile,
  gateway: GatewayProcess,
  text: string | undefined,
): Promise<void> {
  const { path, chance, book } = file.options
  const before = file.refusals
  file.isBad = true
  if (text === undefined) rmSync(path)
  else writeFileSync(path, text)
  announce(file, gateway)
  const isRefused = (): boolean => file.refusals > before
  const deadline = Date.now() + patienceMs
  while (!isRefused() && Date.now() < deadline) await setTimeout(20)
  if (!isRefused()) book.fault('a bad settings file was not refused')
  await setTimeout(chance.integer(0, 1500))
  await writeGood(file, gateway)
  file.isBad = false
}

/** Some files are only put there. */
function announce({ options: { chance, book } }: SettingsFile, gateway: GatewayProcess): void {
  if (chance.oneIn(3)) book.count('files that nobody has announced')
  else gateway.signal('SIGHUP')
}

async function untilServed({ options }: SettingsFile, version: Version): Promise<void> {
  for (;;) {
    const askedAtMs = Date.now()
    const url = `http://127.0.0.1:${options.port}/marker/version`
    const answer = await fetch(url, { headers })
    const served = answer.ok ? ((await answer.json()) as { url: string }).url : ''
    if (served === `/marker-${version.number}/version`) {
      // Whatever is asked from now on is served by it, or by a later one.
      version.inForceAtMs = Date.now()
      return
    }
    if (askedAtMs > version.writtenAtMs + patienceMs) {
      return options.book.fault(`version ${version.number} of the settings file is not in force`)
    }
    await setTimeout(20)
  }
}

interface Shape {
  readonly isReversed: boolean
  readonly balance: 'round-robin' | 'least-busy'
  readonly stalenessSeconds: number
  readonly hasThird: boolean
}

const firstShape: Shape = {
  isReversed: false,
  balance: 'round-robin',
  stalenessSeconds: 30,
  hasThird: false,
}

type Named<What> = readonly [string, What]

function changes(shape: Shape): readonly [Named<Shape>, ...Named<Shape>[]] {
  const { isReversed, balance, stalenessSeconds, hasThird } = shape
  return [
    ['nothing but the marker', shape],
    ['the order of the services', { ...shape, isReversed: !isReversed }],
    [
      'how they are chosen',
      { ...shape, balance: balance === 'round-robin' ? 'least-busy' : 'round-robin' },
    ],
    [
      'another stream of revocations',
      { ...shape, stalenessSeconds: stalenessSeconds === 30 ? stalenessSecondsMax : 30 },
    ],
    ['a route comes or goes', { ...shape, hasThird: !hasThird }],
  ]
}

function badFiles(
  options: SettingsOptions,
  shape: Shape,
): readonly [Named<string | undefined>, ...Named<string | undefined>[]] {
  const good = settingsOf(options, 0, shape)
  const text = JSON.stringify(good)
  return [
    ['half a file', text.slice(0, text.length / 2)],
    ['an unknown member', JSON.stringify({ ...good, colour: 'red' })],
    ['a route without a service', JSON.stringify({ ...good, routes: [{ match: '/orders/*' }] })],
    ['no file', undefined],
  ]
}

function settingsOf(
  { issuer, port, operationsPort, services }: SettingsOptions,
  version: number,
  { isReversed, balance, stalenessSeconds, hasThird }: Shape,
): object {
  const [a, b] = services
  const both = isReversed ? [b, a] : [a, b]
  const open = { mode: 'none' }
  const third = { match: '/third/*', to: ['http://127.0.0.1:9'], auth: open }
  return {
    listen: { port },
    operations: { port: operationsPort },
    issuer,
    auth: { mode: 'required', audience: 'orders' },
    revocation: { maxStalenessSeconds: stalenessSeconds },
    identityHeaders: {
      subject: 'X-Auth-Subject',
      roles: 'X-Auth-Roles',
      scope: 'X-Auth-Scope',
      session: 'X-Auth-Session',
    },
    limits: { bodyBytes: bodyBytesMax },
    routes: [
      { match: '/orders/*', to: both, balance, auth: { scope: ['orders:read'] } },
      { match: '/refunds/*', to: both, auth: { scope: ['orders:refund'] } },
      { match: '/alone/*', to: [a], auth: { scope: ['orders:read'] } },
      { match: '/live/*', to: both, balance, upgrade: ['websocket'] },
      { match: '/public/*', to: both, balance, auth: open },
      { match: '/marker/*', rewrite: `/marker-${version}/*`, to: both, auth: open },
      ...(hasThird ? [third] : []),
    ],
  }
}
