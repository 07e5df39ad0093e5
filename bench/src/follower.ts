import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { RevocationOptions, Verifier } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import { authenticate } from '@portcullis/verify/fetch'
import { audience } from './identity-server.ts'
import { nowMs } from './shared-clock.ts'

/** The issuer, and the node of it that is asked, which may be another than the one that revokes. */
export interface FollowedNode {
  readonly issuer: string
  readonly origin: string
}

/** Where the feed is read: there, at a relay, or at a NATS server. */
export type FeedWay =
  | { readonly kind: 'issuer' }
  | { readonly kind: 'relay'; readonly origin: string }
  | { readonly kind: 'broker'; readonly address: string }

export interface Follower {
  readonly accepts: (token: string) => Promise<boolean>
  /** Resolves with the time of the first 401 for the token. */
  readonly untilRefused: (token: string) => Promise<number>
  /** Answers whether the feed was read where it should have been, to the end. */
  readonly leave: () => Promise<boolean>
}

const readyMsMax = 60_000
const wayMsMax = 60_000
const askedEveryMs = 1_000
/** Longer than anybody who follows may take. */
const refusedMsMax = 40_000

/** A service with a verifier and a connection of its own; what it answers to a request is what counts. */
export async function follow(
  { issuer: of, origin }: FollowedNode,
  way: FeedWay,
): Promise<Follower> {
  const listeners = new Set<() => void>()
  const { revocation, disconnect } = await connectBy(way)
  const verifier = createVerifier({
    issuer: of,
    audience,
    revocation,
    fetch: (url, init) => fetch(url.replace(of, origin), init),
    onRevoked: () => {
      for (const listener of listeners) listener()
    },
  })
  await untilReady(verifier)
  await untilReadAt(verifier, way)
  const service = authenticate(verifier)(() => new Response('an order'))
  const statusFor = async (token: string): Promise<number> => {
    const headers = { authorization: `Bearer ${token}` }
    return (await service(new Request(`http://orders.example/`, { headers }))).status
  }
  return {
    accepts: async (token) => (await statusFor(token)) === 200,
    untilRefused: (token) => {
      const { promise, resolve, reject } = Promise.withResolvers<number>()
      const ask = async (): Promise<void> => {
        if ((await statusFor(token)) !== 401) return
        listeners.delete(listen)
        clearTimeout(timer)
        clearInterval(again)
        resolve(nowMs())
      }
      const listen = (): void => void ask().catch(reject)
      const timer = setTimeout(() => reject(new Error('a follower has not refused')), refusedMsMax)
      // A service that is told nothing refuses by itself in the end.
      const again = setInterval(listen, askedEveryMs)
      listeners.add(listen)
      return promise
    },
    leave: async () => {
      const source = sourceOf(verifier)
      await verifier.close()
      await disconnect()
      return source === way.kind
    },
  }
}

/** What a service is made with to read there. Only who reads over NATS loads its client. */
async function connectBy(
  way: FeedWay,
): Promise<{ readonly revocation: RevocationOptions; readonly disconnect: () => Promise<void> }> {
  if (way.kind === 'issuer') return { revocation: {}, disconnect: nothing }
  if (way.kind === 'relay') return { revocation: { relay: way.origin }, disconnect: nothing }
  const { connect } = await import('@nats-io/transport-node')
  const { createJetStreamFeed } = await import('@portcullis/verify/nats')
  const connection = await connect({ servers: way.address, maxReconnectAttempts: -1 })
  return {
    revocation: { broker: createJetStreamFeed({ connection }) },
    disconnect: () => connection.close(),
  }
}

async function nothing(): Promise<void> {}

function sourceOf(verifier: Pick<Verifier, 'revocation'>): string {
  const health = verifier.revocation()
  return health.followed ? health.source : 'nowhere'
}

/** As a service that is started tries again, whose issuer has a thousand others to answer. */
async function untilReady(verifier: Pick<Verifier, 'ready'>): Promise<void> {
  const deadline = performance.now() + readyMsMax
  for (;;) {
    try {
      return await verifier.ready()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await wait(200 + Math.random() * 200)
    }
  }
}

/** Ready is who has a snapshot; the stream comes behind it, and is there when it has brought a frame. */
async function untilReadAt(
  verifier: Pick<Verifier, 'revocation'>,
  { kind }: FeedWay,
): Promise<void> {
  const deadline = performance.now() + wayMsMax
  for (;;) {
    const health = verifier.revocation()
    if (!health.followed) throw new Error('a follower does not follow')
    if (health.source === kind && health.counts.framesApplied > 0) return
    if (performance.now() > deadline) throw new Error(`a follower never reads at the ${kind}`)
    await wait(10)
  }
}

interface Position {
  readonly epoch: string
  readonly seq: number
}

/** A connection whose other end takes the time at which a frame brings records, and does nothing with it. */
export async function hear({ origin }: FollowedNode): Promise<Follower> {
  const snapshot = await (await fetch(`${origin}/revocations/snapshot`)).text()
  const [, payload = ''] = snapshot.slice(0, snapshot.indexOf('\n')).split('.')
  const { epoch, seq } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Position
  const asked = get(`${origin}/revocations/stream?after=${epoch}:${seq}`, { agent: false })
  const [stream] = (await once(asked, 'response')) as [IncomingMessage]
  if (stream.statusCode !== 200) throw new Error(`the stream answered ${stream.statusCode}`)
  stream.setEncoding('latin1')
  return {
    accepts: async () => true,
    untilRefused: () => {
      const { promise, resolve } = Promise.withResolvers<number>()
      const look = (text: string): void => {
        if (!/"records":"[^"]/.test(text)) return
        stream.off('data', look)
        resolve(nowMs())
      }
      stream.on('data', look)
      return promise
    },
    leave: async () => {
      const isOpen = !stream.destroyed
      stream.destroy()
      return isOpen
    },
  }
}
