import type { PageAccount } from '@portcullis/client'
import { ClientError, createPageClient } from '@portcullis/client'
import type { Administration } from '@portcullis/client/admin'
import { createAdministration } from '@portcullis/client/admin'
import { administratorRole } from '@portcullis/protocol'
import { signal } from '@preact/signals'

/** Identity serves the console below itself, so the issuer is what stands before it in the address. */
const issuer = location.origin + location.pathname.replace(/\/console\/.*$/, '')
const page = createPageClient({ issuer })

/** Every action of the console is one of these calls. */
export const administration: Administration = createAdministration(page)

/** `was…`: what somebody was while the console was open, and is no more. */
export type WhoIs =
  | { readonly kind: 'asking' }
  | { readonly kind: 'operator'; readonly account: PageAccount }
  | { readonly kind: 'other'; readonly account: PageAccount; readonly wasOperator: boolean }
  | { readonly kind: 'nobody'; readonly wasSignedIn: boolean }
  | { readonly kind: 'unknown'; readonly error: unknown }

export const whoIs = signal<WhoIs>({ kind: 'asking' })

export async function askWhoIsSignedIn(): Promise<void> {
  const wasSignedIn = whoIs.value.kind === 'operator' || whoIs.value.kind === 'other'
  whoIs.value = { kind: 'asking' }
  try {
    if (await isAnybodySignedIn()) noteAccount(await page.account())
    else whoIs.value = { kind: 'nobody', wasSignedIn }
  } catch (error) {
    noteEnd(error)
    if (whoIs.value.kind === 'asking') whoIs.value = { kind: 'unknown', error }
  }
}

function noteAccount(account: PageAccount): void {
  const wasOperator = whoIs.value.kind === 'operator'
  whoIs.value = account.roles.includes(administratorRole)
    ? { kind: 'operator', account }
    : { kind: 'other', account, wasOperator }
}

/**
 * The hosted page leads elsewhere whoever is not signed in. To ask for a token without a session would be refused, and
 * count as such.
 */
async function isAnybodySignedIn(): Promise<boolean> {
  const how = { redirect: 'manual', credentials: 'same-origin', cache: 'no-store' } as const
  try {
    return (await fetch(myAccountAddress, how)).type !== 'opaqueredirect'
  } catch {
    // What fails is said by the next question.
    return true
  }
}

/**
 * Whatever call finds out that the session is over, or that the role is gone, the whole console is told: nothing of
 * what it showed stays.
 */
export function noteEnd(error: unknown): void {
  if (!(error instanceof ClientError)) return
  const who = whoIs.value
  // Whoever has signed out here knows.
  if (who.kind === 'nobody') return
  if (error.code === 'signed-out') {
    whoIs.value = { kind: 'nobody', wasSignedIn: who.kind !== 'asking' }
  } else if (error.reason === 'insufficient-scope' && who.kind === 'operator') {
    whoIs.value = { kind: 'other', account: who.account, wasOperator: true }
  }
}

const watchSeconds = 30

/** Also a page that asks for nothing finds out, as long as somebody looks at it, and when it is looked at again. */
export function watchSession(): void {
  setInterval(() => void lookAgain(), watchSeconds * 1000)
  document.addEventListener('visibilitychange', () => void lookAgain())
}

async function lookAgain(): Promise<void> {
  if (document.visibilityState !== 'visible' || whoIs.value.kind !== 'operator') return
  try {
    const account = await page.account()
    // Whoever has signed out meanwhile stays so.
    if (whoIs.value.kind === 'operator') noteAccount(account)
  } catch (error) {
    // An outage is no end; whatever is asked next tells of it.
    noteEnd(error)
  }
}

export async function signOut(): Promise<void> {
  try {
    await page.logout()
  } catch (error) {
    // Somebody else has ended it already.
    const isOver = error instanceof ClientError && error.status === 401
    if (!isOver) {
      whoIs.value = { kind: 'unknown', error }
      return
    }
  }
  // Not what was shown, where the browser keeps the page for whoever goes back.
  whoIs.value = { kind: 'nobody', wasSignedIn: false }
  location.assign(signInAddress())
}

/** A page that comes back as it was left says nothing about who is signed in by now. */
export function askAgainWhenShown(): void {
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) void askWhoIsSignedIn()
  })
}

/** The hosted page, which leads back here. */
export function signInAddress(): string {
  const here = location.pathname + location.hash
  return `${issuer}/sign-in?return_to=${encodeURIComponent(here)}`
}

export const myAccountAddress: string = `${issuer}/my-account`
export const issuerName: string = issuer.replace(/^https?:\/\//, '')
