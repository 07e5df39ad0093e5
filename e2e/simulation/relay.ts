import type { PublishedFrame } from '../../packages/identity/src/domain/feed-frames.ts'
import { formatFrame, formatPosition, frameEvent } from '@portcullis/protocol/revocations'
import type { Chance } from './chance.ts'
import { signCheaply } from './cheap-keys.ts'
import type { Path } from './ways.ts'
import type { World } from './world.ts'

/** What a relay has seen, and may show again. */
export interface Recordings {
  readonly frames: { readonly at: number; readonly text: string }[]
  readonly snapshots: { readonly at: number; readonly bytes: Buffer }[]
}

interface Relaying {
  readonly path: Path
  readonly chance: Chance
  readonly recordings: Recordings
  readonly deliver: (bytes: Buffer) => void
}

/** What becomes of each frame on its way. */
export function relayOver(
  world: World,
  { path, chance, recordings, deliver }: Relaying,
): (frame: PublishedFrame) => void {
  const { time, tally } = world
  const send = (text: string): void => deliver(Buffer.from(text))
  let held: string | undefined
  let first: PublishedFrame | undefined
  // It has what came before, and hands that on in its own time.
  if (path.relay === 'late') {
    const since = time.now() - path.lateMs
    for (const { at, text } of recordings.frames.filter((one) => one.at >= since)) {
      time.after(at - since, () => send(text))
    }
  }
  return (frame) => {
    const text = textOf(frame)
    recordings.frames.push({ at: time.now(), text })
    if (recordings.frames.length > 400) recordings.frames.splice(0, 100)
    if (path.relay === 'late') {
      tally.count('frames that came late')
      return void time.after(path.lateMs, () => send(text))
    }
    if (path.relay === 'honest') return send(text)
    if (path.relay === 'forging') {
      first ??= frame
      tally.count('frames that were forged')
      return send(pretended(first, frame))
    }
    const hasNews = frame.records.length > 0
    const trick = hasNews && chance.happens(0.4) ? 4 : chance.between(0, 9)
    if (trick === 0) return tally.count('frames that were dropped')
    if (trick === 1) {
      tally.count('frames that came twice')
      send(text)
    }
    if (trick === 2 && held === undefined) {
      tally.count('frames that were held back')
      held = text
      return undefined
    }
    if (trick === 3 && recordings.frames.length > 0) {
      tally.count('frames that were played back')
      send(chance.oneOf(recordings.frames).text)
    }
    if (trick === 4) {
      tally.count('frames that were forged')
      send(forgedFrame(world, chance, frame))
    }
    send(text)
    if (held !== undefined) send(held)
    held = undefined
  }
}

/** Says for ever that nothing has happened since the first, under a signature that is none. */
function pretended(first: PublishedFrame, { checkpoint }: PublishedFrame): string {
  const [header = '', payload = '', signature = ''] = first.checkpoint.split('.')
  const [, present = ''] = checkpoint.split('.')
  const claims = { ...claimsIn(payload), at: claimsIn(present)['at'] }
  const forged = Buffer.from(JSON.stringify(claims)).toString('base64url')
  return textOf({
    position: first.position,
    records: Buffer.alloc(0),
    checkpoint: `${header}.${forged}.${signature}`,
  })
}

function claimsIn(payload: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
}

/** As `http/revocations.ts` writes it. */
function textOf(frame: Omit<PublishedFrame, 'text'>): string {
  return `event: ${frameEvent}\nid: ${formatPosition(frame.position)}\ndata: ${formatFrame(frame)}\n\n`
}

function forgedFrame(world: World, chance: Chance, frame: PublishedFrame): string {
  const [header = '', payload = '', signature = ''] = frame.checkpoint.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
  const later = { ...claims, at: Number(claims['at']) + 30_000 }
  switch (chance.between(0, 5)) {
    case 0: {
      // Fresher than it is, under the old signature.
      const forged = Buffer.from(JSON.stringify(later)).toString('base64url')
      return textOf({ ...frame, checkpoint: `${header}.${forged}.${signature}` })
    }
    case 1:
      return textOf({
        ...frame,
        checkpoint: signCheaply(later, 'revocation-checkpoint+jwt', 'feed-1', 'guessed'),
      })
    case 2: {
      // By a key for tokens, which the thief may even have.
      const kid = world.tokens.at(-1)?.kid ?? 'access-token-1'
      const checkpoint = signCheaply(later, 'revocation-checkpoint+jwt', kid)
      return textOf({ ...frame, checkpoint })
    }
    case 3: {
      const records = Buffer.concat([frame.records, Buffer.alloc(33, 1)])
      return textOf({ ...frame, records })
    }
    case 4: {
      // About somebody else.
      const records = Buffer.from(frame.records)
      if (records.length > 0) records[9 + chance.between(0, 7)] = chance.between(0, 255)
      return textOf({ ...frame, records })
    }
    default:
      return textOf({ ...frame, records: frame.records.subarray(33) })
  }
}

export function forgedSnapshot(
  world: World,
  chance: Chance,
  bytes: Buffer,
  { snapshots }: Recordings,
): Buffer {
  switch (chance.between(0, 5)) {
    case 0:
      world.tally.count('snapshots that were played back')
      return chance.oneOf(snapshots).bytes
    case 1: {
      world.tally.count('snapshots that were forged')
      const end = bytes.indexOf(0x0a)
      return bytes.subarray(0, Math.max(end + 1, bytes.length - 33))
    }
    default:
      return bytes
  }
}
