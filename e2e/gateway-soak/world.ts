import { join } from 'node:path'
import type { NewAccount } from '@portcullis/identity'
import { newRandomSecret } from '@portcullis/identity'
import { freePort } from '../../tools/free-port.ts'
import type { Chance } from '../crash/chance.ts'
import { createChance } from '../crash/chance.ts'
import type { LoneIssuer } from '../lone-issuer.ts'
import { startLoneIssuer } from '../lone-issuer.ts'
import type { Book } from './book.ts'
import type { GatewayProcess, LogLine } from './gateway-process.ts'
import { startGatewayProcess } from './gateway-process.ts'
import type { Scene } from './scene.ts'
import { startService } from './service.ts'
import { createSessions } from './sessions.ts'
import type { SettingsVersions } from './settings-versions.ts'
import { keepSettings } from './settings-versions.ts'
import { startWitness } from './witness.ts'

/** The processes: an issuer, two services and the gateway before them. */
export interface SoakWorld extends Pick<
  Scene,
  'port' | 'book' | 'sessions' | 'settings' | 'services' | 'witness'
> {
  readonly issuer: LoneIssuer
  readonly gateway: GatewayProcess
  readonly chanceOfTrouble: Chance
  /** How often the log has warned of what. */
  readonly warnings: ReadonlyMap<string, number>
  /** All but the gateway. */
  readonly stop: () => Promise<void>
}

const peopleCount = 8
const orders = { scopes: ['orders:read', 'orders:write', 'orders:refund'], roles: ['customer'] }
/** Keys rotate, and tokens are refreshed, as often as the settings of identity allow. */
const issuerSettings = {
  jwksMaxAgeSeconds: 2,
  audiences: {
    orders: { ...orders, accessTokenSeconds: 60 },
    reviews: { scopes: ['reviews:write'], roles: ['customer'], accessTokenSeconds: 60 },
  },
}

export async function startSoakWorld(
  { folder, seed }: { readonly folder: string; readonly seed: number },
  book: Book,
): Promise<SoakWorld> {
  const people = Array.from({ length: peopleCount }, (_, n): NewAccount => ({
    identifier: `person-${n}`,
    password: newRandomSecret(),
    roles: ['customer'],
  }))
  const issuer = await startLoneIssuer(issuerSettings, people)
  const services = [await startService('a'), await startService('b')] as const
  const witness = await startWitness(issuer.issuer)
  const stop = async (): Promise<void> => {
    await witness.close()
    await Promise.all(services.map((service) => service.stop()))
    await issuer.stop()
  }
  const chance = createChance(seed + 1)
  const [port, operationsPort] = [await freePort(), await freePort()]
  const path = join(folder, 'gateway.json')
  const origins = [services[0].origin, services[1].origin] as const
  const address = { path, issuer: issuer.issuer, port, operationsPort }
  const settings = keepSettings({ ...address, services: origins, chance, book })
  const warnings = new Map<string, number>()
  const gateway = await startGatewayProcess({
    file: path,
    folder,
    operations: `http://127.0.0.1:${operationsPort}`,
    onLine: (line) => noteLine({ book, settings, warnings }, line),
    onNoise: (text) => book.fault(`the gateway says ${text}`),
  }).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  const sessions = createSessions({ issuer: issuer.issuer, people, chance, book })
  const parts = { port, book, sessions, settings, services, witness, issuer, gateway }
  return { ...parts, chanceOfTrouble: chance, warnings, stop }
}

/** Of pino. */
const warnLevel = 40
const errorLevel = 50

interface Noted {
  readonly book: Book
  readonly settings: SettingsVersions
  readonly warnings: Map<string, number>
}

function noteLine({ book, settings, warnings }: Noted, line: LogLine): void {
  const { level, msg, ...facts } = line
  if (msg.startsWith('the settings file is not taken')) {
    settings.noteRefused()
    if (settings.isBad()) return book.count('lines about a bad settings file')
  }
  if (level >= errorLevel) book.fault(`the log: ${msg} ${JSON.stringify(facts)}`)
  else if (level >= warnLevel) {
    const { requestId, upstream, code } = facts
    if (typeof requestId === 'string')
      book.noteFailure(requestId, `${String(code)} of ${String(upstream)}`)
    warnings.set(msg, (warnings.get(msg) ?? 0) + 1)
  }
}
