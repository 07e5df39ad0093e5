import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** A secret outside the database. Without it nobody who reads the rows can derive a refresh token. */
export interface RefreshPepper {
  /** Tells the peppers apart while one is rolled to the next; says nothing about the secret. */
  readonly id: string
  readonly secret: Buffer
}

/** The pepper that tokens are issued with comes first; the others are still accepted. */
export type RefreshPeppers = readonly [RefreshPepper, ...RefreshPepper[]]

/** A refresh token as it was presented: well formed, and not yet known to be genuine. */
export interface PresentedRefreshToken {
  readonly pepperId: string
  readonly sessionId: string
  /** How many times the session had been rotated when this token was issued. */
  readonly counter: number
  readonly mac: Buffer
}

/** What a refresh token is derived from, besides the pepper. */
export interface RefreshTokenSource {
  readonly sessionId: string
  /** 32 random bytes, base64url; immutable for the life of the session. */
  readonly seed: string
}

/** A refresh token on its way to its client. */
export interface IssuedRefreshToken {
  readonly token: string
  /** How long it can be used if nothing happens. */
  readonly expiresInSeconds: number
}

const label = Buffer.from('portcullis refresh token\0')
const form = /^prt_([0-9a-f]{8})\.([A-Za-z0-9_-]{22})\.(0|[1-9]\d{0,14})\.([A-Za-z0-9_-]{43})$/

export function createPepper(secret: Buffer): RefreshPepper {
  const hash = createHash('sha256').update('portcullis refresh pepper\0').update(secret)
  return { id: hash.digest('hex').slice(0, 8), secret }
}

/** Reads `prt_<pepperId>.<sid>.<n>.<mac>`; undefined for everything else. */
export function parseRefreshToken(text: string): PresentedRefreshToken | undefined {
  const [, pepperId, sessionId, counter, mac] = form.exec(text) ?? []
  if (pepperId === undefined || sessionId === undefined || mac === undefined) return undefined
  return { pepperId, sessionId, counter: Number(counter), mac: Buffer.from(mac, 'base64url') }
}

/** Derives token `counter` of a session: the same text every time, so a repeated answer is identical. */
export function deriveRefreshToken(
  pepper: RefreshPepper,
  source: RefreshTokenSource,
  counter: number,
): string {
  const mac = macOf(pepper, source, counter).toString('base64url')
  return `prt_${pepper.id}.${source.sessionId}.${counter}.${mac}`
}

/** The refresh token that a client is handed: token `counter` of the session, until `idleExpiresAt` (ms). */
export function issueRefreshToken(
  [pepper]: RefreshPeppers,
  session: { readonly id: string; readonly seed: string },
  counter: number,
  { idleExpiresAt, now }: { readonly idleExpiresAt: number; readonly now: number },
): IssuedRefreshToken {
  return {
    token: deriveRefreshToken(pepper, { sessionId: session.id, seed: session.seed }, counter),
    expiresInSeconds: Math.max(0, Math.floor((idleExpiresAt - now) / 1000)),
  }
}

/** True when this system issued the token for this session. Says nothing about whether it is current. */
export function isGenuine(
  presented: PresentedRefreshToken,
  peppers: RefreshPeppers,
  source: RefreshTokenSource,
): boolean {
  const pepper = peppers.find(({ id }) => id === presented.pepperId)
  if (pepper === undefined) return false
  return timingSafeEqual(presented.mac, macOf(pepper, source, presented.counter))
}

function macOf(pepper: RefreshPepper, { sessionId, seed }: RefreshTokenSource, n: number): Buffer {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(n))
  return createHmac('sha256', pepper.secret)
    .update(label)
    .update(Buffer.from(seed, 'base64url'))
    .update(Buffer.from(sessionId, 'base64url'))
    .update(counter)
    .digest()
}
