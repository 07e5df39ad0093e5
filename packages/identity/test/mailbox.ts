import assert from 'node:assert/strict'
import type { Mail, Mailer } from '../src/index.ts'

/** Takes mail in, and hands it out in the order in which it came. */
export interface Mailbox extends Mailer {
  /** The next mail, as soon as it is there. */
  readonly next: () => Promise<Mail>
  /** Everything that was sent so far. */
  readonly received: () => readonly Mail[]
}

export function createMailbox(): Mailbox {
  const mails: Mail[] = []
  const arrivals: (() => void)[] = []
  let taken = 0
  return {
    send: async (mail) => {
      mails.push(mail)
      arrivals.splice(0).forEach((tell) => tell())
    },
    next: async () => {
      while (mails.length <= taken) await new Promise<void>((resolve) => arrivals.push(resolve))
      taken += 1
      return mails[taken - 1] ?? assert.fail()
    },
    received: () => mails,
  }
}

/** The one link of a mail. */
export function linkIn({ text }: Mail): URL {
  const links = text.match(/^https?:\/\/\S+$/gm) ?? []
  assert.equal(links.length, 1, text)
  return new URL(links[0] ?? '')
}

export function tokenIn(mail: Mail): string {
  const token = linkIn(mail).searchParams.get('token') ?? ''
  assert.match(token, /^[A-Za-z0-9_-]{43}$/)
  return token
}
