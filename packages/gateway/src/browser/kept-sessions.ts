import { isDeepStrictEqual } from 'node:util'
import type { Log, Metrics } from '@portcullis/runtime'
import type { ClientCredential } from '@portcullis/verify'
import { readClientFile } from '../settings/client-file.ts'
import type { BrowserSettings, GatewaySettings } from '../settings/settings.ts'
import type { BrowserSessions } from './browser-sessions.ts'
import { createBrowserSessions } from './browser-sessions.ts'
import { checkBrowserClient } from './client-check.ts'
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
  let stopCheck: (() => void) | undefined
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
  const open = ({ issuer: url, browser, credential }: AskedWith): OpenedSessions => {
    const issuer = createIssuerSessions({
      issuer: url,
      client: credential ?? { name: browser.client },
      audiences: browser.audiences,
      fetch,
    })
    const named = credential === undefined ? `browser.client ${browser.client}` : fileNamed
    return {
      check: () => checkBrowserClient({ issuer, named, log }),
      sessions: createBrowserSessions({
        issuer,
        memory: createSessionMemory(browser.sessions, now),
        count: (outcome) => countRefresh({ outcome }),
        log,
        now,
      }),
    }
  }
  return {
    prepare: ({ issuer, browser }) => {
      const credential = credentialOf(browser?.clientFile)
      const key = browser && { issuer, browser, credential }
      if (isDeepStrictEqual(key, kept?.key)) {
        return { sessions: kept?.sessions, commit: () => undefined, abandon: () => undefined }
      }
      const opened = browser && open({ issuer, browser, credential })
      const sessions = opened?.sessions
      return {
        sessions,
        commit: () => {
          stopCheck?.()
          kept?.sessions.close()
          kept = sessions && { key, sessions }
          stopCheck = opened?.check()
        },
        abandon: () => sessions?.close(),
      }
    },
    close: () => {
      stopCheck?.()
      kept?.sessions.close()
    },
  }
}

interface OpenedSessions {
  readonly sessions: BrowserSessions
  /** Of the client; answers how to stop. */
  readonly check: () => () => void
}

const fileNamed = 'the client of browser.clientFile'

interface AskedWith {
  readonly issuer: string
  readonly browser: BrowserSettings
  readonly credential: ClientCredential | undefined
}

function credentialOf(clientFile: string | undefined): ClientCredential | undefined {
  return clientFile === undefined ? undefined : readClientFile(clientFile)
}
