import type { Mailer } from '../domain/mails.ts'

/**
 * Shows mail instead of sending it, for development: whoever sees it can use the links. That is why only an
 * issuer on loopback gets it.
 */
export function createConsoleMailer(write: (text: string) => unknown): Mailer {
  return {
    send: async ({ to, subject, text }) => {
      write(`mail to ${to}\n${subject}\n\n${text}\n`)
    },
  }
}
