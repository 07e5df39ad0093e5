import type { BrowserSettings, Limits, StopSettings } from './settings.ts'

/*
 * What counts where the file says nothing, for those who fill it in and for those who look whether members fit each
 * other.
 */

/** How old the issuer's last word may be. */
export const maxStalenessSecondsDefault = 30

export const sampleRatioDefault = 0.1

export const defaultStop: StopSettings = { notReadySeconds: 0, drainSeconds: 5 }

export const defaultBrowser: BrowserSettings = {
  client: 'web',
  clientFile: undefined,
  audiences: undefined,
  sessions: 20_000,
}

export const defaultLimits: Limits = {
  headerBytes: 16_384,
  headerCount: 100,
  bodyBytes: 10_485_760,
  headersTimeoutSeconds: 10,
  idleTimeoutSeconds: 60,
  requestTimeoutSeconds: 300,
  connections: 10_000,
  requests: 4096,
  requestsPerService: 1024,
}
