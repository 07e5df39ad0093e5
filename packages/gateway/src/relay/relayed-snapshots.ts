import { Buffer } from 'node:buffer'
import type { Fetch } from '@portcullis/verify'

/** The body of a snapshot as it came. */
export type SnapshotBody = readonly Uint8Array[]

/** Snapshots from upstream, one for all who ask at a time. */
export interface RelayedSnapshots {
  /** Undefined when none can be had. Upstream is asked with the token of whoever asks here. */
  readonly take: (authorization: string | undefined) => Promise<SnapshotBody | undefined>
}

export interface RelayedSnapshotsOptions {
  readonly fetch: Fetch
  readonly address: () => string | undefined
  /** Milliseconds from anywhere, by a clock that only goes on. */
  readonly monotonic: () => number
}

/** Young enough that who joins it is fresh; as old as the issuer's own may be. */
const keptMs = 1_000
/** As much as followers take, with its manifest. */
const bodyBytesMax = 64 * 1024 * 1024 + 8_192
const fetchMsMax = 30_000

export function createRelayedSnapshots(options: RelayedSnapshotsOptions): RelayedSnapshots {
  const { fetch, address, monotonic } = options
  let kept: { readonly body: SnapshotBody; readonly untilMs: number } | undefined
  let flight: Promise<SnapshotBody | undefined> | undefined

  async function ask(authorization: string | undefined): Promise<SnapshotBody | undefined> {
    const url = address()
    if (url === undefined) return undefined
    try {
      const response = await fetch(url, {
        headers: {
          accept: 'application/octet-stream',
          'cache-control': 'no-cache',
          ...(authorization === undefined ? {} : { authorization }),
        },
        redirect: 'error',
        signal: AbortSignal.timeout(fetchMsMax),
      })
      const body = await readAll(response)
      if (response.status !== 200 || body === undefined) return undefined
      kept = { body, untilMs: monotonic() + keptMs }
      return body
    } catch {
      return undefined
    }
  }

  return {
    take: async (authorization) => {
      if (kept !== undefined && monotonic() < kept.untilMs) return kept.body
      // Nobody reads it any more, and it may be large.
      kept = undefined
      flight ??= ask(authorization).finally(() => {
        flight = undefined
      })
      return flight
    },
  }
}

/** Undefined when it is too long. */
async function readAll(response: Response): Promise<SnapshotBody | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > bodyBytesMax) return undefined
    chunks.push(Buffer.from(chunk))
  }
  return chunks
}
