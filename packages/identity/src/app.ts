import type { Log, Running, TlsPair, Tracing } from '@portcullis/runtime'
import {
  createMetrics,
  listenError,
  readTlsFiles,
  redactPassword,
  startCertificateReload,
  startOperations,
  startTracing,
} from '@portcullis/runtime'
import { countRequests } from './http/counted-requests.ts'
import { boundPort, createHttpServer } from './http/server.ts'
import type { Transport } from './http/transport.ts'
import { createTlsTransport, plainTransport } from './http/transport.ts'
import type { IdentitySettings } from './settings.ts'
import { hasAccounts, isReadable } from './store/database.ts'
import { openDatabase } from './store/open-database.ts'
import type { IdentityOptions } from './parts.ts'
import { openParts } from './parts.ts'
import { addRoutes } from './routes.ts'
import { tellOfCertificate } from './told-ages.ts'

export interface Identity extends Running {
  readonly port: number
  readonly operationsPort: number
}

/**
 * What is under way has so long to come to its end. A process that is told to stop has ten seconds for all, and whoever
 * waits for a connection to the database does so for five.
 */
const closeMs = 3000

/**
 * Starts the issuer: opens the store, its revocation log, the keyring and both listeners. Whatever an
 * operator can mend is thrown as a `StartError`, and nothing stays open then.
 */
export async function startIdentity(
  settings: IdentitySettings,
  options: IdentityOptions,
): Promise<Identity> {
  const { log, now } = options
  const metrics = createMetrics()
  const database = await openDatabase(settings.database, { now })
  const close: (() => Promise<void>)[] = [database.close]
  const closeAll = async (): Promise<void> => {
    const tooLong = setTimeout(database.giveUp, closeMs)
    for (const closeOne of close.toReversed()) await closeOne()
    clearTimeout(tooLong)
    close.length = 0
  }
  try {
    const parts = await openParts(settings, database, { ...options, metrics }, (step) =>
      close.push(step),
    )
    const { transport, certificate, stop } = await openTransport(settings.listen.tls, log)
    close.push(stop)
    tellOfCertificate(certificate, metrics)
    const tracing = await startTracingOf(settings, log)
    close.push(async () => tracing?.close())
    const requests = metrics.requests()
    const { issuer, activity } = parts
    const counted = { metrics: requests, onAnswered: countRequests(activity, issuer) }
    const served = { ...settings, issuer, transport, tracing, ...counted }
    const app = createHttpServer(log, served)
    close.push(() => app.close())
    addRoutes(app, settings, parts)
    const { host, port: wanted } = settings.listen
    await app
      .listen({ host, port: wanted })
      .catch((error: unknown) => Promise.reject(listenError(error, settings.listen, 'identity')))
    close.push(await parts.claimPeppers())

    const operations = await startOperations({
      ...settings.operations,
      notReady: async () => [
        ...((await isReadable(database)) ? [] : ['database']),
        ...parts.troubles(),
      ],
      warnings: parts.warnings,
      metrics,
    })
    close.push(operations.close)
    const port = boundPort(app)
    log.info(
      { issuer: parts.issuer, port, database: redactPassword(settings.database) },
      'identity is ready',
    )
    if (!(await hasAccounts(database))) {
      log.warn(
        'this store has no accounts: nobody can sign in before portcullis bootstrap made one',
      )
    }
    return { port, operationsPort: operations.port, close: closeAll }
  } catch (error) {
    await closeAll()
    throw error
  }
}

async function startTracingOf(
  { tracing: { endpoint, sampleRatio } }: IdentitySettings,
  log: Log,
): Promise<Tracing | undefined> {
  if (endpoint === undefined) return undefined
  return startTracing({ endpoint, sampleRatio, service: 'portcullis-identity', log })
}

interface OpenedTransport {
  readonly transport: Transport
  /** Undefined without TLS. */
  readonly certificate: () => TlsPair | undefined
  readonly stop: () => Promise<void>
}

async function openTransport(
  { certificateFile, keyFile }: IdentitySettings['listen']['tls'],
  log: Log,
): Promise<OpenedTransport> {
  if (certificateFile === undefined || keyFile === undefined) {
    return {
      transport: plainTransport,
      certificate: () => undefined,
      stop: async () => undefined,
    }
  }
  const read = (): Promise<TlsPair> => readTlsFiles({ certificateFile, keyFile })
  let inUse = await read()
  const transport = createTlsTransport(inUse, log)
  const use = (pair: TlsPair): void => {
    transport.useCertificate(pair)
    inUse = pair
  }
  const stop = startCertificateReload({ read, inUse, use, log })
  log.info({ validUntil: inUse.validUntil }, 'the certificate is in use')
  return { transport, certificate: () => inUse, stop }
}
