import type { Mail, Mailer } from '../domain/mails.ts'
import type { SmtpServer } from '../settings/smtp-url.ts'

/** A server that does not answer in time is asked again later; nobody waits for it. */
const answerMs = 15_000

/** Hands mail to an SMTP server (RFC 6409), each over a connection of its own: there are few. */
export function createSmtpMailer(server: SmtpServer, from: string): Mailer {
  const { host, port, security, credential } = server
  const options = {
    host,
    port,
    secure: security === 'implicit',
    requireTLS: security === 'starttls',
    // A relay on this machine mostly has a certificate that nobody signed.
    ignoreTLS: security === 'none',
    tls: { minVersion: 'TLSv1.2' },
    ...(credential && { auth: { user: credential.user, pass: credential.password } }),
    connectionTimeout: answerMs,
    greetingTimeout: answerMs,
    socketTimeout: answerMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  } as const
  return {
    send: async ({ to, subject, text }: Mail) => {
      // Whoever sends no mail need not load it.
      const { createTransport } = await import('nodemailer')
      const transport = createTransport(options)
      try {
        await transport.sendMail({
          // As objects: an address in a text would be parsed once more, by other rules.
          from: { name: '', address: from },
          to: { name: '', address: to },
          subject,
          text,
          // RFC 3834: so that vacation notices do not answer.
          headers: { 'Auto-Submitted': 'auto-generated' },
        })
      } finally {
        transport.close()
      }
    },
  }
}
