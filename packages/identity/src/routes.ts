import { addAccount } from './http/account.ts'
import { addAccountLinks } from './http/account-links.ts'
import { addAdminAccountChanges } from './http/admin-account-changes.ts'
import { addAdminAccountImport } from './http/admin-account-import.ts'
import { addAdminAccounts } from './http/admin-accounts.ts'
import { addAdminKeys } from './http/admin-keys.ts'
import { addAdminSessions } from './http/admin-sessions.ts'
import { createCallers } from './http/callers.ts'
import { addDocuments } from './http/documents.ts'
import { addLinkPages } from './http/link-pages.ts'
import { addLogin } from './http/login.ts'
import { addLogout } from './http/logout.ts'
import { originsOfOwnPages } from './http/own-pages.ts'
import { addPassword } from './http/password.ts'
import { addReauthentication } from './http/reauthentication.ts'
import { addRegistration } from './http/registration.ts'
import { addRevocations } from './http/revocations.ts'
import type { HttpServer } from './http/server.ts'
import { addSessions } from './http/sessions.ts'
import { addToken } from './http/token.ts'
import { createOwnVerifier } from './own-verifier.ts'
import type { IdentitySettings } from './settings.ts'
import type { IdentityParts } from './parts.ts'

/** Every route of the public listener. */
export function addRoutes(app: HttpServer, settings: IdentitySettings, parts: IdentityParts): void {
  const callers = createCallers({ ...parts, ...createOwnVerifier(parts) })
  const ownOrigins = originsOfOwnPages(parts.issuer, settings.allowedOrigins)
  const served = { ...parts, callers, ownOrigins }
  addLogin(app, served)
  addToken(app, served)
  addLogout(app, served)
  addSessions(app, served)
  addPassword(app, served)
  addReauthentication(app, served)
  addRegistration(app, served)
  addAccount(app, served)
  addAccountLinks(app, served)
  addLinkPages(app, served)
  addAdminAccounts(app, served)
  addAdminAccountChanges(app, served)
  addAdminSessions(app, served)
  addAdminAccountImport(app, served)
  addAdminKeys(app, served)
  addRevocations(app, served)
  addDocuments(app, { ...settings, ...served })
}
