import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createVerifier, VerifyError } from '@portcullis/verify'
import type { Verifier } from '@portcullis/verify'
import { createTestIssuer, untilApplied } from '@portcullis/verify/testing'
import { createChance } from '../crash/chance.ts'
import type { SentToken, TokenSource } from './hostile-tokens.ts'
import { createTokenSource } from './hostile-tokens.ts'

export interface SoakOptions {
  readonly tokens: number
  readonly seed: number
  readonly onTenth?: (sent: number, heapBytes: number) => void
}

export interface SoakReport {
  /** How many of each kind were sent. */
  readonly sent: ReadonlyMap<string, number>
  /** After the first tenth, and at the end, each behind a collection of garbage. */
  readonly heapBytesEarly: number
  readonly heapBytesLate: number
  readonly seconds: number
  readonly keySetFetches: number
  /** The addresses that the verifier asked for, each once. */
  readonly addresses: ReadonlySet<string>
  readonly issuer: string
}

/** More good tokens than a cache of the default size holds, so that it is full when measuring begins. */
const tokensToFillCaches = 16_000

/** Sends hostile tokens to a verifier that follows its issuer, and throws at the first wrong verdict. */
export async function runSoak({ tokens, seed, onTenth }: SoakOptions): Promise<SoakReport> {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  const addresses = new Set<string>()
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    fetch: (url, init) => {
      addresses.add(withoutQuery(url))
      return fetch(url, init)
    },
  })
  try {
    await verifier.ready()
    const source = createTokenSource(issuer, createChance(seed))
    await untilApplied(verifier, issuer.revoke({ sid: source.revokedSession }))
    await send(verifier, source.unseen, tokensToFillCaches)

    const startedAt = performance.now()
    const sent = new Map<string, number>()
    const tenth = Math.ceil(tokens / 10)
    const heapBytes: number[] = []
    for (let done = 0; done < tokens; done += tenth) {
      await sendCounted(verifier, source, Math.min(tenth, tokens - done), sent)
      const bytes = heapBytesInUse()
      heapBytes.push(bytes)
      onTenth?.(Math.min(done + tenth, tokens), bytes)
    }
    return {
      sent,
      heapBytesEarly: heapBytes[0] ?? 0,
      heapBytesLate: heapBytes.at(-1) ?? 0,
      seconds: (performance.now() - startedAt) / 1000,
      keySetFetches: issuer.requests.jwks,
      addresses,
      issuer: issuer.issuer,
    }
  } finally {
    await verifier.close()
    await issuer.close()
  }
}

async function sendCounted(
  verifier: Verifier,
  source: TokenSource,
  count: number,
  sent: Map<string, number>,
): Promise<void> {
  await send(
    verifier,
    () => {
      const next = source.next()
      sent.set(next.kind, (sent.get(next.kind) ?? 0) + 1)
      return next
    },
    count,
  )
}

async function send(verifier: Verifier, next: () => SentToken, count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) {
    const { kind, token, fate } = next()
    const answer = await verifier.verify(token).then(
      () => 'accepted',
      (error: unknown) => (error instanceof VerifyError ? (error.reason ?? error.code) : error),
    )
    assert.equal(answer, fate, kind)
    // The feed's socket has its turn too.
    if (done % 64 === 0) await new Promise(setImmediate)
  }
}

// Node hands out its collector only behind a flag, which may be set at any time.
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heapBytesInUse(): number {
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function withoutQuery(url: string): string {
  return url.split('?')[0] ?? url
}
