import type { Client } from './client.ts'
import { assembleClient } from './client.ts'
import type { ClientOptions } from './options.ts'
import { parseOptions } from './options.ts'

/** Signs people in at an issuer and keeps their session. Nothing is sent before the first call. */
export function createClient(options: ClientOptions): Client {
  return assembleClient(parseOptions(options))
}

export type { PasswordChange, Reauthentication, SessionInfo } from './account.ts'
export { ClientError } from './client-error.ts'
export type { ClientErrorCode } from './client-error.ts'
export type { Client } from './client.ts'
export type { HeldToken } from './held-token.ts'
export type { FieldFault, Fetch } from './issuer-request.ts'
export type { Credentials, SignedIn } from './login.ts'
export type { ClientOptions } from './options.ts'
export { createPageClient } from './page-client.ts'
export type { PageAccount, PageClient, PageClientOptions } from './page-client.ts'
export type { RevocationPosition } from '@portcullis/protocol'
export type { Lock } from './session-lock.ts'
export type { SessionStore, StoredSession } from './session-store.ts'
