import { isDeepStrictEqual } from 'node:util'
import type { Log, Metrics } from '@portcullis/runtime'
import type { ClientCredential } from '@portcullis/verify'
import { readClientFile } from '../settings/client-file.ts'
import type { BrowserSettings, GatewaySettings } from '../settings/settings.ts'
import type { BrowserSessions } from './browser-sessions.ts'
import { createBrowserSessions } from './browser-sessions.ts'
import { createIssuerSessions } from './issuer-sessions.ts'
import { createSessionMemory } from './session-memory.ts'

/** The sessions of browsers while settings come and go. */
export interface KeptBrowserSessions {
  /** Throws a `StartError` for a client file that is mistaken. */
  readonly prepare: (settings: GatewaySettings) => PreparedSessions
  readonly close: () => void
}

export interface PreparedSessions {
  /** Undefined without browser mode. */
  readonly sessions: BrowserSessions | undefined
  /** From now on these are the ones, and those before them are let go. */
  readonly commit: () => void
  readonly abandon: () => void
}

/** What is known of sessions stays known while everything is the same that they are asked about with. */
export function keepBrowserSessions(
  metrics: Metrics,
  { log, now }: { readonly log: Log; readonly now: () => number },
): KeptBrowserSessions {
  let kept: { readonly key: unknown; readonly sessions: BrowserSessions } | undefined
  const countRefresh = metrics.counter({
    name: 'portcullis_gateway_browser_refreshes_total',
    help: 'Refresh tokens of browsers that identity was asked about.',
    labels: ['outcome'],
  })
  metrics.gauge(
    {
      name: 'portcullis_gateway_browser_sessions',
      help: 'Sessions of browsers that access tokens are held for.',
      labels: [],
    },
    () => kept?.sessions.size() ?? 0,
  )
  const openSessions = ({ issuer, browser, credential }: AskedWith): BrowserSessions =>
    createBrowserSessions({
      issuer: createIssuerSessions({
        issuer,
        client: credential ?? { name: browser.client },
        audiences: browser.audiences,
        fetch,
      }),
      memory: createSessionMemory(browser.sessions, now),
      count: (outcome) => countRefresh({ outcome }),
      log,
      now,
    })
  return {
    prepare: ({ issuer, browser }) => {
      const credential = credentialOf(browser?.clientFile)
      const key = browser && { issuer, browser, credential }
      if (isDeepStrictEqual(key, kept?.key)) {
        return { sessions: kept?.sessions, commit: () => undefined, abandon: () => undefined }
      }
      const sessions = browser && openSessions({ issuer, browser, credential })
      return {
        sessions,
        commit: () => {
          kept?.sessions.close()
          kept = sessions && { key, sessions }
        },
        abandon: () => sessions?.close(),
      }
    },
    close: () => kept?.sessions.close(),
  }
}

interface AskedWith {
  readonly issuer: string
  readonly browser: BrowserSettings
  readonly credential: ClientCredential | undefined
}

function credentialOf(clientFile: string | undefined): ClientCredential | undefined {
  return clientFile === undefined ? undefined : readClientFile(clientFile)
}
