import type { Log } from '@portcullis/runtime'
import type { ClientCredential, Verifier } from '@portcullis/verify'
import { createVerifier, VerifyError } from '@portcullis/verify'
import { readClientFile } from './settings/client-file.ts'
import type { Exchange } from './exchange/exchange.ts'
import { handOnFeed } from './relay/handed-on-feed.ts'
import { ownPath } from './routing/match.ts'
import type { GatewaySettings } from './settings/settings.ts'

/** What connects the gateway with its issuer; while it is the same, so are keys and feed. */
export type IssuerLinkSettings = Pick<GatewaySettings, 'issuer' | 'revocation' | 'relay'> & {
  readonly client: ClientCredential | undefined
  /** False where no route asks for a token. */
  readonly isNeeded: boolean
}

/** One source of keys and revocations for the whole gateway, whatever the number of audiences. */
export interface IssuerLink {
  readonly settings: IssuerLinkSettings
  /** Undefined where no route asks for a token. */
  readonly verifier: Verifier | undefined
  /** Undefined where the feed is not handed on. */
  readonly answerFeed: ((exchange: Exchange) => Promise<void>) | undefined
  /**
   * Has keys and a first snapshot of the revocations at hand, fetching them if need be, and names
   * what is missing: nothing, or what the issuer has not given yet, which is also logged. A feed that
   * is lost later is not missing: young tokens still pass, and every other gateway has lost it too.
   */
  readonly missing: () => Promise<readonly string[]>
  /** Ends every stream of others: they go on at the issuer, or come again. */
  readonly stopHandingOn: () => void
  /** Stops following the issuer. */
  readonly close: () => Promise<void>
}

/** Reads the client file. Throws a `StartError` for one that is mistaken. */
export function issuerLinkSettings({
  issuer,
  revocation,
  relay,
  routes,
  clientFile,
}: GatewaySettings): IssuerLinkSettings {
  const client = clientFile === undefined ? undefined : readClientFile(clientFile)
  const isNeeded = routes.some(({ auth }) => auth.mode !== 'none')
  return { issuer, revocation, relay, client, isNeeded }
}

export interface IssuerLinkOptions {
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export function openIssuerLink(
  settings: IssuerLinkSettings,
  { log, now }: IssuerLinkOptions,
): IssuerLink {
  const { issuer, revocation, relay, client, isNeeded } = settings
  const handedOn = relay && handOnFeed({ limits: relay, prefix: ownPath, fetch, log })
  const verifier = isNeeded
    ? createVerifier({
        issuer,
        audience: issuer,
        revocation:
          revocation === 'untilExpiry' ? revocation : { ...revocation, software: 'gateway' },
        now,
        fetch: handedOn?.fetch ?? fetch,
        onWarning: ({ code, message }) => log.warn({ issuer, code }, message),
        ...(client === undefined ? {} : { client }),
      })
    : undefined
  return {
    settings,
    verifier,
    answerFeed: verifier && handedOn?.answerWith(verifier),
    missing: async () => {
      try {
        await verifier?.ready()
        return []
      } catch (error) {
        if (!(error instanceof VerifyError)) throw error
        const { code, message: detail } = error
        // Whether it is away for a moment or was never there under this name is for the operator to see.
        const cause = error.cause instanceof Error ? error.cause.message : undefined
        log.warn({ issuer, code, detail, cause }, 'the issuer is missing')
        return [error.code]
      }
    },
    stopHandingOn: () => handedOn?.stop(),
    close: async () => {
      handedOn?.stop()
      await verifier?.close()
    },
  }
}

/** The keys are fetched before the first request needs them; the listener does not wait for them. */
export async function warmUp(link: IssuerLink, log: Log): Promise<void> {
  await link.missing().catch((error: unknown) => log.error({ err: error }, 'warming up failed'))
}
