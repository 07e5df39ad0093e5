import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:http'
import type { SnapshotManifest } from '@portcullis/protocol/revocations'
import { formatPosition, recordBytes } from '@portcullis/protocol/revocations'
import type { Findings, Row } from './findings.ts'
import { atMost, spreadOf } from './findings.ts'
import type { Ask } from './http-load.ts'
import { connectionsAtSaturation, connectTo, formOf } from './http-load.ts'
import type { IdentityFolder } from './identity-server.ts'
import { makeIdentityFolder, removeFolder, startIdentityIn } from './identity-server.ts'
import { fillLog } from './identity-store.ts'
import type { LoadingAnswer, LoadingQuestion } from './loading-process.ts'
import { openLoad } from './open-load.ts'
import { measuredCore } from './pinning.ts'
import type { Plan } from './rounds.ts'
import { startWorker } from './worker.ts'

interface Extent {
  /** Revocations an hour, and for how long they are watched. */
  readonly rates: readonly { readonly perHour: number; readonly watchedMs: number }[]
  readonly records: readonly number[]
  readonly rounds: number
}

const full: Extent = {
  rates: [
    { perHour: 1_000, watchedMs: 30_000 },
    { perHour: 1_000_000, watchedMs: 10_000 },
  ],
  records: [10_000, 1_000_000],
  rounds: 5,
}
const quick: Extent = {
  rates: [{ perHour: 100_000, watchedMs: 1_500 }],
  records: [2_000],
  rounds: 1,
}

const hourMs = 3_600_000
/** Of the largest snapshot. */
const snapshotMbMax = 20
const loadMsMax = 1_000

/** What the feed costs a follower: the octets of an hour, and the snapshot of a log that has grown. */
export async function measureFeed({ isQuick }: Plan): Promise<Omit<Findings, 'ratios'>> {
  const extent = isQuick ? quick : full
  const streamed = await measureStream(extent)
  const snapshots: SnapshotFindings[] = []
  for (const records of extent.records) snapshots.push(await measureSnapshot(records, extent))
  return findingsOf(streamed, snapshots)
}

interface StreamFindings {
  readonly perHour: number
  /** What came over the socket in each round, in an hour's measure. */
  readonly mbAnHour: readonly number[]
}

async function measureStream({ rates, rounds }: Extent): Promise<readonly StreamFindings[]> {
  const revocations = rates.map(({ perHour, watchedMs }) =>
    Math.ceil((perHour * watchedMs) / hourMs),
  )
  const perRound = revocations.reduce((sum, one) => sum + one, 0)
  const folder = await makeIdentityFolder((perRound + rates.length) * rounds)
  const server = await startIdentityIn(folder, 'ES256')
  const found = rates.map(({ perHour }) => ({ perHour, mbAnHour: [] as number[] }))
  const refreshTokens = [...folder.refreshTokens]
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const [at, { perHour, watchedMs }] of rates.entries()) {
        const { ask: post, close } = connectTo(server, connectionsAtSaturation)
        const stream = await openStream(server.origin)
        const bytesBefore = stream.socket.bytesRead
        await openLoad({
          perSecond: (perHour * 1000) / hourMs,
          durationMs: watchedMs,
          askOnce: () => endSession(post, refreshTokens.pop() ?? ''),
        })
        const bytes = stream.socket.bytesRead - bytesBefore
        stream.destroy()
        close()
        found[at]?.mbAnHour.push((bytes * hourMs) / watchedMs / 1e6)
      }
    }
    return found
  } finally {
    await server.stop()
    removeFolder(folder)
  }
}

/** RFC 7009: one session, and one record. */
async function endSession(post: Ask, token: string): Promise<number> {
  const { status, members } = await post({
    path: '/revoke',
    ...formOf({ token, client_id: 'web' }),
  })
  if (members['revocation'] === undefined) throw new Error(`a revocation answered ${status}`)
  return status
}

/** As a follower opens it that has just taken a snapshot; nothing but the octets is looked at. */
async function openStream(origin: string): Promise<IncomingMessage> {
  const { manifest } = await takeSnapshot(origin, 'identity')
  const after = encodeURIComponent(formatPosition(manifest))
  const stream = await ask(`${origin}/revocations/stream?after=${after}`)
  stream.resume()
  await once(stream, 'data')
  return stream
}

interface SnapshotFindings {
  readonly records: number
  readonly rawMb: number
  readonly gzipMb: number
  readonly loads: readonly LoadingAnswer[]
}

async function measureSnapshot(records: number, { rounds }: Extent): Promise<SnapshotFindings> {
  const folder = await makeIdentityFolder(1)
  await fillLog(folder, records)
  const server = await startIdentityIn(folder, 'ES256')
  try {
    const raw = await takeSnapshot(server.origin, 'identity')
    const packed = await takeSnapshot(server.origin, 'gzip')
    if (raw.bodyBytes !== raw.manifestBytes + records * recordBytes) {
      throw new Error(`the snapshot has ${raw.bodyBytes} octets for ${records} records`)
    }
    const loads: LoadingAnswer[] = []
    while (loads.length < rounds) loads.push(await loadOnce(folder, records))
    return { records, rawMb: raw.bodyBytes / 1e6, gzipMb: packed.bodyBytes / 1e6, loads }
  } finally {
    await server.stop()
    removeFolder(folder)
  }
}

/** By a service that has just been started. */
async function loadOnce({ issuer }: IdentityFolder, records: number): Promise<LoadingAnswer> {
  const worker = startWorker<LoadingQuestion, LoadingAnswer>({
    file: 'loading-process.ts',
    parameters: [],
    core: measuredCore,
  })
  try {
    const answer = await worker.ask({ issuer })
    if (answer.records !== records) throw new Error(`a follower holds ${answer.records} records`)
    return answer
  } finally {
    await worker.end()
  }
}

interface TakenSnapshot {
  readonly manifest: SnapshotManifest
  readonly manifestBytes: number
  readonly bodyBytes: number
}

/** The body as it is on the wire. */
async function takeSnapshot(origin: string, encoding: 'identity' | 'gzip'): Promise<TakenSnapshot> {
  const response = await ask(`${origin}/revocations/snapshot`, { 'accept-encoding': encoding })
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  if (response.statusCode !== 200) throw new Error(`a snapshot answered ${response.statusCode}`)
  const manifestBytes = body.indexOf('\n') + 1
  const payload = body.toString('latin1', 0, manifestBytes).split('.')[1] ?? ''
  const manifest: unknown =
    encoding === 'gzip' ? undefined : JSON.parse(Buffer.from(payload, 'base64url').toString())
  return { manifest: manifest as SnapshotManifest, manifestBytes, bodyBytes: body.length }
}

async function ask(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<IncomingMessage> {
  const [response] = (await once(get(url, { headers, agent: false }), 'response')) as [
    IncomingMessage,
  ]
  return response
}

function findingsOf(
  streamed: readonly StreamFindings[],
  snapshots: readonly SnapshotFindings[],
): Omit<Findings, 'ratios'> {
  const largest = snapshots.at(-1)
  if (largest === undefined) throw new TypeError('no snapshot was measured')
  const { records, gzipMb, loads } = largest
  const loadMs = spreadOf(loads.map(({ cpuMs }) => cpuMs)).median
  return {
    rows: [
      ...streamed.map(({ perHour, mbAnHour }): Row => {
        const name = `the feed of a follower, ${perHour} revocations an hour`
        return { name, unit: 'MB/h', ...spreadOf(mbAnHour) }
      }),
      ...snapshots.flatMap(rowsOf),
    ],
    mustReach: [
      atMost(`MB of a snapshot of ${records} records`, gzipMb, snapshotMbMax),
      atMost('ms of CPU until a follower has loaded it', loadMs, loadMsMax),
    ],
    moonshots: [],
    notes: ['the feed: octets over the socket, with the checkpoint of every 0.8 s'],
  }
}

function rowsOf({ records, rawMb, gzipMb, loads }: SnapshotFindings): readonly Row[] {
  const name = `a snapshot of ${records} records`
  return [
    { name: `${name}, as it is`, unit: 'MB', ...spreadOf([rawMb]) },
    { name: `${name}, with gzip`, unit: 'MB', ...spreadOf([gzipMb]) },
    {
      name: `${name}, loaded by a follower`,
      unit: 'ms',
      ...spreadOf(loads.map(({ wallMs }) => wallMs)),
      cpu: spreadOf(loads.map(({ cpuMs }) => cpuMs)),
    },
    { name: `${name}, what it holds`, unit: 'MB', ...spreadOf(loads.map(({ heldMb }) => heldMb)) },
  ]
}
