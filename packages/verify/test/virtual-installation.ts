import type { TestContext } from 'node:test'
import type { Fetch, Verifier, VerifierOptions } from '@portcullis/verify'
import { wireVerifier } from '../src/issuer-verifier.ts'
import { createIssuerDocuments } from '../src/issuer/documents.ts'
import { parseOptions } from '../src/options.ts'
import { createStateFile } from '../src/revocation/state-file.ts'
import type { ScriptedIssuer } from './scripted-issuer.ts'
import { scriptIssuer } from './scripted-issuer.ts'
import type { VirtualTime } from './virtual-time.ts'
import { createVirtualTime } from './virtual-time.ts'

export const beginsAt: number = Date.UTC(2026, 5, 1, 12)
const beatMs = 800

/** An issuer and services in a time in which an hour passes at once. */
export interface Installation {
  readonly issuer: ScriptedIssuer
  readonly time: VirtualTime
  /** A service that follows the feed, or has asked for it in vain. */
  readonly startService: (options?: Partial<VerifierOptions>) => Promise<Verifier>
  /** What the network does with requests from now on; default: it carries them. */
  readonly way: { feed: 'there' | 'silent' | 'refused'; identity: 'there' | 'refused' }
  /** When each path was asked for, in milliseconds of the virtual time. */
  readonly askedAtMs: Map<string, number[]>
  readonly end: () => void
}

export function install(t: TestContext, seed: number): Installation {
  const time = createVirtualTime(seed)
  const now = (): number => beginsAt + time.now()
  const issuer = scriptIssuer(t, { now })
  const way: Installation['way'] = { feed: 'there', identity: 'there' }
  const askedAtMs: Installation['askedAtMs'] = new Map()
  let isOver = false

  const fetch: Fetch = async (url, init) => {
    const path = new URL(url).pathname
    askedAtMs.set(path, [...(askedAtMs.get(path) ?? []), time.now()])
    const isFeed = path.startsWith('/revocations/')
    if (way.identity === 'refused' || (isFeed && way.feed === 'refused')) {
      throw new TypeError('fetch failed')
    }
    return isFeed && way.feed === 'silent' ? silence(init.signal) : issuer.fetch(url, init)
  }
  const beat = (): void => {
    if (isOver) return
    if (way.feed === 'there') issuer.send(issuer.feed.eventAfter(issuer.feed.position().seq))
    time.timers.schedule(beat, beatMs)
  }
  beat()
  return {
    issuer,
    time,
    way,
    askedAtMs,
    startService: async (options) => {
      const { issuer: name } = issuer
      const settings = parseOptions({
        issuer: name,
        audience: 'orders',
        now,
        fetch,
        onWarning: unheard,
        ...options,
      })
      const verifier = wireVerifier(settings, {
        timers: time.timers,
        documentsOf: createIssuerDocuments,
        stateFileOf: createStateFile,
      })
      const isThere = way.feed === 'there' && way.identity === 'there'
      const ready = isThere ? verifier.ready() : verifier.ready().catch(() => undefined)
      await time.passUntil(time.now() + 50)
      await ready
      return verifier
    },
    end: () => {
      isOver = true
    },
  }
}

const unheard = (): void => undefined

/** Octets go in and none come out, until whoever asked gives up. */
function silence(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason))
  })
}
