import type { PageAccount } from '@portcullis/client'
import { ClientError, createPageClient } from '@portcullis/client'
import type { Administration } from '@portcullis/client/admin'
import { createAdministration } from '@portcullis/client/admin'
import { signal } from '@preact/signals'

/** Identity serves the console below itself, so the issuer is what stands before it in the address. */
const issuer = location.origin + location.pathname.replace(/\/console\/.*$/, '')
const page = createPageClient({ issuer })

/** Every action of the console is one of these calls. */
export const administration: Administration = createAdministration(page)

export type WhoIs =
  | { readonly kind: 'asking' }
  | { readonly kind: 'somebody'; readonly account: PageAccount }
  | { readonly kind: 'nobody' }
  | { readonly kind: 'unknown'; readonly error: unknown }

export const whoIs = signal<WhoIs>({ kind: 'asking' })

export async function askWhoIsSignedIn(): Promise<void> {
  whoIs.value = { kind: 'asking' }
  try {
    whoIs.value = { kind: 'somebody', account: await page.account() }
  } catch (error) {
    noteSignedOut(error)
    if (whoIs.value.kind === 'asking') whoIs.value = { kind: 'unknown', error }
  }
}

/** Whatever call finds out that the session is over, the whole console is told. */
export function noteSignedOut(error: unknown): void {
  if (error instanceof ClientError && error.code === 'signed-out') whoIs.value = { kind: 'nobody' }
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
  whoIs.value = { kind: 'nobody' }
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
