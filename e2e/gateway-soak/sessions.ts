import { setTimeout } from 'node:timers/promises'
import type { NewAccount } from '@portcullis/identity'
import type { Chance } from '../crash/chance.ts'
import type { Book } from './book.ts'

/** An access token with what a service is to be told by it. */
export interface HeldToken {
  readonly text: string
  readonly session: Session
  readonly about: ReadonlyMap<string, string>
  readonly expiresAtMs: number
}

export interface Session {
  readonly person: Person
  token: HeldToken | undefined
  refresh: string
  refreshAtMs: number
  isRefreshing: boolean
  /** When its end was asked for, and when the issuer has said that it is over. */
  endingAtMs: number | undefined
  endedAtMs: number | undefined
}

interface Person extends Pick<NewAccount, 'identifier' | 'password'> {
  isLeaving: boolean
}

export interface Sessions {
  readonly live: () => HeldToken
  /** A token of a session that has ended and would be good otherwise, if there is one. */
  readonly ended: () => HeldToken | undefined
  /** A token that was replaced, and has expired, if there is one. */
  readonly expired: () => HeldToken | undefined
  readonly signIn: () => Promise<void>
  /** Ends one, or all of one person; others sign in for them. */
  readonly endSome: () => Promise<void>
  /** Refreshes each at some time of its life, until it is over. */
  readonly keepFresh: (isOver: () => boolean) => Promise<void>
}

export interface SessionsOptions {
  readonly issuer: string
  readonly people: readonly NewAccount[]
  readonly chance: Chance
  readonly book: Book
}

/** Less than that left, and a request might meet the end of its token. */
const lifeLeftMsMin = 5000
const tokensKeptMax = 200

/** All that is known of them. */
interface Held extends Pick<SessionsOptions, 'issuer' | 'chance' | 'book'> {
  readonly persons: readonly Person[]
  readonly live: Set<Session>
  readonly ended: HeldToken[]
  readonly replaced: HeldToken[]
}

export function createSessions({ issuer, people, chance, book }: SessionsOptions): Sessions {
  const persons = people.map(({ identifier, password }): Person => ({
    identifier,
    password,
    isLeaving: false,
  }))
  const held: Held = { issuer, chance, book, persons, live: new Set(), ended: [], replaced: [] }
  const { live, ended, replaced } = held
  return {
    signIn: () => signIn(held),
    endSome: () => endSome(held),
    keepFresh: (isOver) => keepFresh(held, isOver),
    live: () => {
      const tokens = [...live].flatMap(({ token }) => token ?? [])
      const good = tokens.filter(({ expiresAtMs }) => expiresAtMs - Date.now() > lifeLeftMsMin)
      const token = anyOf(chance, good)
      if (token === undefined) throw new Error('nobody is signed in')
      return token
    },
    ended: () => {
      const now = Date.now()
      return anyOf(
        chance,
        ended.filter(({ expiresAtMs }) => expiresAtMs > now),
      )
    },
    expired: () => {
      const now = Date.now()
      return anyOf(
        chance,
        replaced.filter(({ expiresAtMs }) => expiresAtMs < now),
      )
    },
  }
}

async function signIn(held: Held): Promise<void> {
  const { issuer, chance, book, live } = held
  const person = anyOf(
    chance,
    held.persons.filter(({ isLeaving }) => !isLeaving),
  )
  if (person === undefined) return
  const { identifier, password } = person
  const answer = await askIssuer(`${issuer}/login`, { json: { identifier, password } })
  const session: Session = {
    person,
    token: undefined,
    refresh: '',
    refreshAtMs: 0,
    isRefreshing: false,
    endingAtMs: undefined,
    endedAtMs: undefined,
  }
  take(held, session, answer)
  // Signed in just before everything of this person was ended.
  if (person.isLeaving) return
  live.add(session)
  book.count('sign-ins')
}

function take(held: Held, session: Session, answer: Readonly<Record<string, unknown>>): void {
  const text = String(answer['access_token'])
  const claims = claimsOf(text)
  if (session.token !== undefined) keepFew(held.replaced, session.token)
  const expiresAtMs = Number(claims['exp']) * 1000
  session.token = { text, session, about: aboutOf(claims), expiresAtMs }
  session.refresh = String(answer['refresh_token'])
  const lifeMs = Number(answer['expires_in']) * 1000
  session.refreshAtMs = Date.now() + lifeMs * (held.chance.integer(30, 70) / 100)
}

async function refresh(held: Held, session: Session): Promise<void> {
  session.isRefreshing = true
  const form = { grant_type: 'refresh_token', refresh_token: session.refresh }
  try {
    take(held, session, await askIssuer(`${held.issuer}/token`, { form }))
    held.book.count('refreshes')
  } catch (error) {
    if (session.endingAtMs === undefined) throw error
  } finally {
    session.isRefreshing = false
  }
}

async function keepFresh(held: Held, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const now = Date.now()
    const due = [...held.live].filter(
      ({ isRefreshing, refreshAtMs }) => !isRefreshing && refreshAtMs <= now,
    )
    await Promise.all(due.map((session) => refresh(held, session)))
    await setTimeout(200)
  }
}

async function endSome(held: Held): Promise<void> {
  const { live, chance } = held
  const session = anyOf(
    chance,
    [...live].filter(({ isRefreshing }) => !isRefreshing),
  )
  if (session === undefined) return
  const { person } = session
  if (!chance.oneIn(5)) {
    await end(held, [session], '/logout')
    return signIn(held)
  }
  // Whoever is being refreshed at this moment gets tokens that nobody uses.
  person.isLeaving = true
  const others = [...live].filter((other) => other.person === person && other !== session)
  await end(held, [session, ...others], '/logout/everywhere')
  person.isLeaving = false
  for (const _ of [session, ...others]) await signIn(held)
}

async function end(
  { live, ended, issuer, book }: Held,
  leaving: readonly [Session, ...Session[]],
  path: string,
): Promise<void> {
  for (const session of leaving) {
    live.delete(session)
    session.endingAtMs = Date.now()
  }
  await askIssuer(`${issuer}${path}`, { json: { refresh_token: leaving[0].refresh } })
  for (const session of leaving) {
    session.endedAtMs = Date.now()
    if (session.token !== undefined) keepFew(ended, session.token)
    book.count('sessions ended')
  }
}

function anyOf<Item>(chance: Chance, items: readonly Item[]): Item | undefined {
  return items[chance.integer(0, items.length - 1)]
}

function keepFew(tokens: HeldToken[], token: HeldToken): void {
  tokens.push(token)
  if (tokens.length > tokensKeptMax) tokens.shift()
}

async function askIssuer(
  url: string,
  { json, form }: { readonly json?: object; readonly form?: Readonly<Record<string, string>> },
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: json === undefined ? {} : { 'content-type': 'application/json' },
    body: json === undefined ? new URLSearchParams(form) : JSON.stringify(json),
  })
  const members = (await answer.json()) as Readonly<Record<string, unknown>>
  if (answer.ok) return members
  throw new Error(`${url} answered ${answer.status} ${JSON.stringify(members)}`)
}

function claimsOf(token: string): Readonly<Record<string, unknown>> {
  const [, payload = ''] = token.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
}

/** The header fields by which a service is told of this caller. */
function aboutOf({
  sub,
  sid,
  roles,
  scope,
}: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  return new Map([
    ['x-auth-subject', String(sub)],
    ['x-auth-roles', (roles as readonly string[]).join(',')],
    ['x-auth-scope', String(scope)],
    ['x-auth-session', String(sid)],
  ])
}
