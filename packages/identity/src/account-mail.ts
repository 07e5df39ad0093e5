import { StartError } from '@portcullis/runtime'
import { createConsoleMailer } from './mail/console-mailer.ts'
import { parseEmailAddress } from './domain/email-addresses.ts'
import type { Mailer } from './domain/mails.ts'
import { isInDevelopment } from './domain/registry.ts'
import { selfRegistrationOf } from './self-registration.ts'
import type { IdentitySettings } from './settings.ts'
import { createSmtpMailer } from './mail/smtp-mailer.ts'
import { parseSmtpUrl } from './settings/smtp-url.ts'

/**
 * What the settings say. Without a server an issuer on loopback shows its mail on standard error, and every
 * other one sends none: undefined.
 */
export function chooseMailer(
  settings: Pick<IdentitySettings, 'accounts' | 'mail' | 'registry'>,
): Mailer | undefined {
  const { mail, registry } = settings
  if (mail.smtpUrl !== undefined) return smtpMailer(mail.smtpUrl, mail)
  if (isInDevelopment(registry.issuer)) {
    return createConsoleMailer((text) => process.stderr.write(text))
  }
  if (selfRegistrationOf(settings) !== 'by-mail') return undefined
  throw new StartError(
    'accounts are made by mail, and there is no server for mail',
    'Set mail.smtpUrl, or choose another accounts.selfRegistration.',
  )
}

/** Of settings that were checked: see `settings/rules.ts`. */
function smtpMailer(url: string, { dangerouslyPlainSmtp, from }: IdentitySettings['mail']): Mailer {
  const parsed = parseSmtpUrl(url, dangerouslyPlainSmtp)
  const sender = parseEmailAddress(from ?? '')
  if (parsed.kind === 'malformed' || sender.kind === 'malformed') {
    throw new TypeError('the settings of the mail server were not checked')
  }
  return createSmtpMailer(parsed.server, sender.address)
}
