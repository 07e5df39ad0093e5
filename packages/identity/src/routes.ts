import { addAccount } from './http/account.ts'
import { addAccountLinks } from './http/account-links.ts'
import { addAdminAccountBulk } from './http/admin-account-bulk.ts'
import { addAdminAccountChanges } from './http/admin-account-changes.ts'
import { addAdminAccountImport } from './http/admin-account-import.ts'
import { addAdminAccounts } from './http/admin-accounts.ts'
import { addAdminActivity } from './http/admin-activity.ts'
import { addAdminAnomalies } from './http/admin-anomalies.ts'
import { addAdminAudit } from './http/admin-audit.ts'
import { addAdminClientChanges } from './http/admin-client-changes.ts'
import { addAdminClients } from './http/admin-clients.ts'
import { addAdminFollowers } from './http/admin-followers.ts'
import { addAdminKeys } from './http/admin-keys.ts'
import { addAdminRevocations } from './http/admin-revocations.ts'
import { addAdminSessions } from './http/admin-sessions.ts'
import { addAdminSettings } from './http/admin-settings.ts'
import { addAdminStreams } from './http/admin-streams.ts'
import { addApiDocuments } from './http/api-documents.ts'
import { createCallers } from './http/callers.ts'
import { addConsole } from './http/console.ts'
import { addDocuments } from './http/documents.ts'
import { addEventStreams } from './http/event-streams.ts'
import { addFeed } from './http/feed.ts'
import { addIntrospect } from './http/introspect.ts'
import { addLogin } from './http/login.ts'
import { addLogout } from './http/logout.ts'
import { originsOfOwnPages } from './http/own-pages.ts'
import { addAccountPages } from './http/pages/account-pages.ts'
import { english } from './http/pages/english.ts'
import type { Texts } from './http/pages/texts.ts'
import { addPassword } from './http/password.ts'
import { addPositions } from './http/positions.ts'
import { tellNonces } from './http/proofs.ts'
import { addReceipts } from './http/receipts.ts'
import { addReauthentication } from './http/reauthentication.ts'
import { addRegistration } from './http/registration.ts'
import { addRevoke } from './http/revoke.ts'
import type { HttpServer } from './http/server.ts'
import { addSessions } from './http/sessions.ts'
import { addStreamOperations } from './http/stream-operations.ts'
import { addStreamPolling } from './http/stream-polling.ts'
import { addToken } from './http/token.ts'
import { createOwnVerifier } from './own-verifier.ts'
import type { IdentitySettings } from './settings.ts'
import type { IdentityParts } from './parts.ts'

/** Every route of the public listener. */
export function addRoutes(
  app: HttpServer,
  settings: IdentitySettings,
  parts: IdentityParts,
  texts: Texts = english,
): void {
  const { readIssuedToken, ...verifiers } = createOwnVerifier(parts)
  const callers = createCallers({ ...parts, ...verifiers })
  const ownOrigins = originsOfOwnPages(parts.issuer, settings.allowedOrigins)
  const served = { ...parts, texts, callers, ownOrigins, readIssuedToken }
  // First: it describes what comes after it.
  addApiDocuments(app, { ...settings, ...served })
  tellNonces(app, parts.proofJudge)
  addLogin(app, served)
  addToken(app, served)
  addRevoke(app, served)
  addIntrospect(app, served)
  addLogout(app, served)
  addSessions(app, served)
  addPassword(app, served)
  addReauthentication(app, served)
  addRegistration(app, served)
  addAccount(app, served)
  addAccountLinks(app, served)
  addAccountPages(app, { ...settings, ...served })
  addAdminAccounts(app, served)
  addAdminAccountChanges(app, served)
  addAdminAccountBulk(app, served)
  addAdminSessions(app, served)
  addAdminAccountImport(app, served)
  addAdminClients(app, served)
  addAdminClientChanges(app, served)
  addAdminKeys(app, served)
  addAdminAudit(app, served)
  addAdminAnomalies(app, served)
  addAdminActivity(app, served)
  addAdminRevocations(app, served)
  addAdminSettings(app, { ...settings, ...served })
  addFeed(app, served)
  addPositions(app, served)
  addReceipts(app, served)
  addAdminFollowers(app, served)
  addEventStreams(app, served)
  addStreamOperations(app, served)
  addStreamPolling(app, served)
  addAdminStreams(app, served)
  addDocuments(app, { ...settings, ...served })
  addConsole(app, served)
}
