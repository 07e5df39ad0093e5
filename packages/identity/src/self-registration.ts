import type { SelfRegistration } from './domain/registration.ts'
import { isInDevelopment } from './domain/registry.ts'
import type { IdentitySettings } from './settings.ts'

/**
 * Strangers make accounts where nothing was said only on loopback, which is in development: in production it
 * is a decision about who may use the services behind it.
 */
export function selfRegistrationOf({
  accounts,
  registry,
}: Pick<IdentitySettings, 'accounts' | 'registry'>): SelfRegistration {
  return accounts.selfRegistration ?? (isInDevelopment(registry.issuer) ? 'open' : 'closed')
}
