import type { AccessTokenClaims } from '@portcullis/protocol'

/** When something was, in the order of this ledger and by the store's clock. */
export interface Moment {
  readonly place: number
  readonly ms: number
}

/** After everything. */
export const never: Moment = { place: Infinity, ms: Infinity }

/** An access token, and the deed whose answer it came with. */
export interface Access {
  readonly token: string
  readonly claims: AccessTokenClaims
  readonly mint: Deed
}

/** What was asked of identity. */
export type Facts =
  | { readonly kind: 'login'; readonly password: string }
  | RefreshFacts
  | {
      readonly kind: 'ending'
      readonly sessionId: string
      readonly by: { readonly refresh: string } | AccessUse
    }
  | { readonly kind: 'everywhere'; readonly sessionId: string; readonly refresh: string }
  | {
      readonly kind: 'password-change'
      readonly sessionId: string
      readonly by: AccessUse
      readonly current: string
      readonly next: string
    }
  | { readonly kind: 'block' }
  | { readonly kind: 'unblock' }
  /** Whether identity takes the access token. */
  | { readonly kind: 'showing'; readonly sessionId: string; readonly by: AccessUse }

export interface RefreshFacts {
  readonly kind: 'refresh'
  readonly sessionId: string
  readonly refresh: string
  readonly attempt: string | undefined
}

export interface AccessUse {
  readonly access: Access
}

/** The tokens of an answer, as they came. */
export interface AnsweredTokens {
  readonly sessionId: string
  readonly refresh: string
  readonly access: string
  readonly claims: AccessTokenClaims
}

export type Reply =
  | { readonly kind: 'done'; readonly tokens?: AnsweredTokens | undefined }
  | { readonly kind: 'refused' }
  /** Nobody was told: it was done or it was not, or is done later unless `isOver`. */
  | { readonly kind: 'unknown'; readonly isOver: boolean }

/** Something that somebody asked for, between two moments, and what he was told. */
export type Deed = Facts & {
  readonly from: Moment
  /** `never` when nobody knows when it is over. */
  readonly to: Moment
  readonly reply: Reply
  /** The access token that came with the answer. */
  readonly access: Access | undefined
}

/** The history of one account, kept outside identity. */
export interface Ledger {
  readonly accountId: string
  readonly firstPassword: string
  readonly graceMs: number
  readonly deeds: readonly Deed[]
  /** Does something between two moments, and writes down what it came to. */
  readonly record: (facts: Facts, send: () => Promise<Reply>) => Promise<Deed>
}

export interface LedgerOptions extends Pick<Ledger, 'accountId' | 'firstPassword' | 'graceMs'> {
  /** The store's clock. */
  readonly now: () => number
}

export function createLedger({ now, ...options }: LedgerOptions): Ledger {
  const deeds: Deed[] = []
  let places = 0
  const moment = (): Moment => ({ place: (places += 1), ms: now() })
  return {
    ...options,
    deeds,
    record: async (facts, send) => {
      const unknown: Reply = { kind: 'unknown', isOver: false }
      const deed: Writable<Deed> = {
        ...facts,
        from: moment(),
        to: never,
        reply: unknown,
        access: undefined,
      }
      deeds.push(deed)
      const reply = await send()
      deed.reply = reply
      if (reply.kind !== 'unknown' || reply.isOver) deed.to = moment()
      if (reply.kind === 'done' && reply.tokens !== undefined) {
        const { access: token, claims } = reply.tokens
        deed.access = { token, claims, mint: deed }
      }
      return deed
    },
  }
}

type Writable<Held> = { -readonly [Name in keyof Held]: Held[Name] }

export function counterOf(refreshToken: string): number {
  return Number(refreshToken.split('.')[2])
}

/** The refresh token that came with the answer. */
export function issuedBy({ reply }: Deed): string | undefined {
  return reply.kind === 'done' ? reply.tokens?.refresh : undefined
}

/** Which key has signed the token. */
export function kidOf({ token }: Access): string {
  const [header = ''] = token.split('.')
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as {
    readonly kid: string
  }
  return kid
}

/** The history as a person reads it: each deed with its moments. */
export function told({ deeds, accountId }: Ledger): string {
  const sessions = [...new Set(deeds.map(({ access }) => access?.claims.sid))]
  const lines = deeds.map((deed) => {
    const { from, to, kind, reply } = deed
    const sessionId = 'sessionId' in deed ? deed.sessionId : deed.access?.claims.sid
    const issued = issuedBy(deed)
    return [
      `${from.place}–${to.place === Infinity ? '' : to.place}`.padEnd(9),
      kind,
      ...(sessionId === undefined ? [] : [`session ${sessions.indexOf(sessionId)}`]),
      ...('refresh' in deed ? [`token ${counterOf(deed.refresh)}`] : []),
      ...('attempt' in deed && deed.attempt !== undefined ? [`attempt ${deed.attempt}`] : []),
      ...('by' in deed && 'access' in deed.by
        ? [`by the token of ${deed.by.access.mint.from.place}`]
        : []),
      ...('password' in deed ? [deed.password] : []),
      ...('next' in deed ? [`${deed.current} to ${deed.next}`] : []),
      `at ${from.ms}`,
      '→',
      reply.kind,
      ...(issued === undefined ? [] : [`token ${counterOf(issued)}`]),
      ...(deed.access === undefined ? [] : [`generation ${deed.access.claims.gen}`]),
    ].join(' ')
  })
  return [`the account ${accountId}`, ...lines].join('\n')
}
