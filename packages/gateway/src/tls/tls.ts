import type { Server } from 'node:http'
import type { Log, Repeat } from '@portcullis/runtime'
import { joinStartErrors, StartError } from '@portcullis/runtime'
import type { SecureListener } from '../server.ts'
import type { GatewaySettings } from '../settings/settings.ts'
import { openAuthorities } from './authorities.ts'
import { openCertificates } from './certificates.ts'
import { followCertificates, secureListenerOf } from './listener.ts'

type TlsMembers = Pick<GatewaySettings, 'tls' | 'upstreamTls'>

/** All that is taken from files in PEM: how the listener speaks TLS, and who is trusted as a service. */
export interface Tls {
  /** Undefined where it speaks none. */
  readonly secure: SecureListener | undefined
  /** See `Authorities`. */
  readonly authorities: () => string | undefined
  /** Reads what other settings name, and answers how to take it into use. Throws a `StartError` where that is bad. */
  readonly read: (settings: TlsMembers) => Promise<() => void>
  /** Follows the files, and calls when other authorities are trusted. Answers how to stop. */
  readonly follow: (server: Server, onAuthorities: () => void) => () => Promise<void>
  readonly warnings: () => readonly string[]
  /** When the first certificate of the listener ends, in milliseconds since 1970. */
  readonly validUntilMs: () => number | undefined
}

export interface TlsOptions {
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly repeat?: Repeat | undefined
}

/** Throws a `StartError` with every mistake. */
export async function openTls(settings: TlsMembers, options: TlsOptions): Promise<Tls> {
  const { tls, upstreamTls } = settings
  const [certificates, authorities] = await all(
    Promise.resolve(tls && openCertificates(tls, options)),
    openAuthorities(upstreamTls.caFile, options),
  )
  return {
    secure: certificates && secureListenerOf(certificates),
    authorities: authorities.pem,
    read: async (next) => {
      const [takeCertificates, takeAuthorities] = await all(
        Promise.resolve(next.tls && certificates?.read(next.tls)),
        authorities.read(next.upstreamTls.caFile),
      )
      return () => {
        takeCertificates?.()
        takeAuthorities()
      }
    },
    follow: (server, onAuthorities) => {
      const stops = [authorities.follow(onAuthorities)]
      if (certificates !== undefined) stops.push(followCertificates(server, certificates))
      return async () => {
        await Promise.all(stops.map((stop) => stop()))
      }
    },
    warnings: () => [...(certificates?.warnings() ?? []), ...authorities.warnings()],
    validUntilMs: () => certificates?.validUntilMs(),
  }
}

async function all<One, Other>(one: Promise<One>, other: Promise<Other>): Promise<[One, Other]> {
  const reasons = (await Promise.allSettled([one, other])).flatMap((end): unknown[] =>
    end.status === 'rejected' ? [end.reason] : [],
  )
  const mistakes = reasons.filter((reason) => reason instanceof StartError)
  if (mistakes.length > 0 && mistakes.length === reasons.length) throw joinStartErrors(mistakes)
  return Promise.all([one, other])
}
