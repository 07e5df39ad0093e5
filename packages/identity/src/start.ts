import type { Identity } from './app.ts'
import type { IdentityOptions } from './parts.ts'
import type { IdentitySettings } from './settings.ts'

/** `startIdentity` of `app.ts`, which is loaded only then: who fills a store needs no server. */
export async function startIdentity(
  settings: IdentitySettings,
  options: IdentityOptions,
): Promise<Identity> {
  const app = await import('./app.ts')
  return app.startIdentity(settings, options)
}
