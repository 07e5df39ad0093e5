import type { Server } from 'node:http'
import { Server as TlsServer } from 'node:https'
import type { Log, Metrics, Operations, Running, TlsPair } from '@portcullis/runtime'
import {
  createMetrics,
  listen,
  readTlsFiles,
  startCertificateReload,
  startOperations,
} from '@portcullis/runtime'
import type { Fetch, Verifier } from '@portcullis/verify'
import { createVerifier, VerifyError } from '@portcullis/verify'
import { readClientFile } from '../settings/client-file.ts'
import { openExchange } from '../exchange/exchange.ts'
import { tellOfFollower } from '../follower-metrics.ts'
import { andClose, refuse, sendRefusal } from '../exchange/refusal.ts'
import { createGatewayServer, drainServer } from '../server.ts'
import { secureOptions } from '../tls/secure-options.ts'
import type { HandedOnFeed } from './handed-on-feed.ts'
import { handOnFeed } from './handed-on-feed.ts'
import type { RelaySettings } from './settings.ts'

export interface RelayOptions {
  readonly log: Log
  /** Asks upstream. Default the global `fetch`. */
  readonly fetch?: Fetch
}

export interface Relay extends Running {
  /** The port that was taken, where the settings ask for any. */
  readonly port: number
  /** The port of the operations listener, where the settings ask for one. */
  readonly operationsPort: number | undefined
}

/** Followers send a request line and a token. */
const requestLimits = {
  headerBytes: 16_384,
  headersTimeoutSeconds: 10,
  // A stream brings something every second.
  idleTimeoutSeconds: 60,
  requestTimeoutSeconds: 300,
  connections: 10_000,
}

/**
 * Starts a relay of the revocation feed and resolves once it listens. It follows the issuer as any service does, by
 * one stream, and hands on what that brings; until it brings something, followers are answered 503 and read at the
 * issuer. A port or a certificate that cannot be had is a `StartError`.
 *
 * `close` ends every stream: its followers go on at the issuer from where they were.
 */
export async function startRelay(
  settings: RelaySettings,
  { log, fetch = globalThis.fetch }: RelayOptions,
): Promise<Relay> {
  const certificate = settings.tls && (await readTlsFiles(settings.tls))
  const feed = handOnFeed({ limits: settings.limits, prefix: '', fetch, log })
  const verifier = followUpstream(settings, feed.fetch, log)
  const answer = feed.answerWith(verifier)
  const metrics = createMetrics()
  const requests = metrics.requests()
  const server = createGatewayServer(
    requestLimits,
    log,
    (request, response) => {
      const exchange = openExchange({ log, requests }, request, response)
      answer(exchange).catch((error: unknown) => {
        log.error({ err: error, requestId: exchange.requestId }, 'a request failed in the relay')
        if (response.headersSent) response.destroy()
        else sendRefusal(exchange, andClose(refuse('internal')))
      })
    },
    certificate && { options: secureOptions(certificate) },
  )
  const port = await listen(server, settings.listen, 'the relay').catch(async (error: unknown) => {
    feed.stop()
    await verifier.close()
    throw error
  })
  const stopReload = reloadCertificate(server, settings, certificate, log)
  const end = async (): Promise<void> => {
    await stopReload()
    feed.stop()
    await drainServer(server)
    await verifier.close()
  }
  const operations = await startOperationsOf(settings, { verifier, feed, metrics }).catch(
    async (error: unknown) => {
      await end()
      throw error
    },
  )
  // Followers are not waited for to begin.
  verifier.ready().catch((error: unknown) => {
    if (!(error instanceof VerifyError)) throw error
    log.warn({ code: error.code, detail: error.message }, 'the feed cannot be followed yet')
  })
  log.info({ host: settings.listen.host, port, issuer: settings.issuer }, 'relay listens')
  return {
    port,
    operationsPort: operations?.port,
    close: async () => {
      await end()
      await operations?.close()
    },
  }
}

/** The follower whose stream is handed on also judges the tokens of those who read it here. */
function followUpstream(
  { issuer, upstream, clientFile }: RelaySettings,
  fetch: Fetch,
  log: Log,
): Verifier {
  return createVerifier({
    issuer,
    audience: issuer,
    fetch,
    onWarning: ({ code, message }) => log.warn({ issuer, code }, message),
    revocation: { software: 'relay', ...(upstream === undefined ? {} : { relay: upstream }) },
    ...(clientFile === undefined ? {} : { client: readClientFile(clientFile) }),
  })
}

interface OperatedParts {
  readonly verifier: Verifier
  readonly feed: HandedOnFeed
  readonly metrics: Metrics
}

function startOperationsOf(
  { operations }: RelaySettings,
  { verifier, feed, metrics }: OperatedParts,
): Promise<Operations | undefined> {
  if (operations === undefined) return Promise.resolve(undefined)
  const notReady = async (): Promise<readonly string[]> => {
    try {
      await verifier.ready()
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error
      return [error.code]
    }
    // Unlike a gateway it is of no use without.
    return feed.isSilent() ? ['revocation-feed'] : []
  }
  tellOfFollower(() => verifier, metrics)
  return startOperations({ ...operations, notReady, metrics })
}

/** Those that are open keep the one that they have. */
function reloadCertificate(
  server: Server,
  { tls: files }: RelaySettings,
  inUse: TlsPair | undefined,
  log: Log,
): () => Promise<void> {
  if (files === undefined || inUse === undefined || !(server instanceof TlsServer)) {
    return async () => undefined
  }
  return startCertificateReload({
    inUse,
    read: () => readTlsFiles(files),
    use: (pair) => server.setSecureContext(secureOptions(pair)),
    log,
  })
}
