/**
 * Every kind of event that the audit record keeps, with its name in the OWASP Logging Vocabulary. `docs/audit.md`
 * explains each; a test holds the two together.
 *
 * `refresh-reuse`: an old refresh token came back, and the session was ended for it. `session-limit`: it
 * was the oldest one when a login opened one too many. `login-throttled`: so many tries failed that those
 * which follow are delayed.
 */
export const auditVocabulary = {
  'node-started': 'sys_startup',
  'node-stopped': 'sys_shutdown',
  'events-adopted': 'sys_monitor_enabled',
  'history-renewed': 'authn_token_revoked',
  'store-bootstrapped': 'user_created',
  'refresh-reuse': 'authn_token_reuse',
  'history-lost': 'sequence_fail',
  'session-ended': 'authn_token_revoked',
  'token-revoked': 'authn_token_revoked',
  'session-limit': 'authn_token_revoked',
  'other-sessions-ended': 'authn_token_revoked',
  'all-sessions-ended': 'authn_token_revoked',
  'password-changed': 'authn_password_change',
  'password-reset': 'authn_password_change',
  'reset-forced': 'authn_password_change',
  'link-sent': 'authn_password_change',
  'login-throttled': 'authn_login_fail_max',
  'account-created': 'user_created',
  'account-confirmed': 'user_created',
  'account-deleted': 'user_deleted',
  'account-blocked': 'authn_login_lock',
  'account-unblocked': 'user_updated',
  'roles-changed': 'authz_change',
  'attributes-changed': 'user_updated',
  'email-changed': 'user_updated',
  'email-verified': 'user_updated',
  'client-created': 'user_created',
  'client-changed': 'authz_change',
  'client-secret-rotated': 'authn_password_change',
  'client-secret-revoked': 'authn_token_revoked',
  'client-disabled': 'authn_token_revoked',
  'client-enabled': 'user_updated',
  'client-tokens-revoked': 'authn_token_revoked',
  'client-deleted': 'user_deleted',
  'keys-rotated': 'authz_admin',
  'keys-destroyed': 'authz_admin',
  'key-lines-retired': 'authz_admin',
  'key-withdrawn': 'authz_admin',
  'stream-created': 'authz_admin',
  'stream-changed': 'authz_admin',
  'stream-deleted': 'authz_admin',
  'anomaly-told': 'sequence_fail',
  'anomaly-acted': 'authn_login_lock',
} as const

export type EventKind = keyof typeof auditVocabulary

export function isEventKind(text: string): text is EventKind {
  return Object.hasOwn(auditVocabulary, text)
}

/**
 * What only the log tells, in the same vocabulary: it happens all the time or can be caused by anybody, so it would
 * cost every request a write, or fill a table.
 */
export const loggedVocabulary = [
  'authn_login_success',
  'authn_login_fail',
  'authn_token_created',
  'authn_token_reuse',
  'authn_token_revoked',
  'authn_password_change',
  'authn_password_change_fail',
  'authz_admin',
  'authz_fail',
  'excess_rate_limit_exceeded',
  'user_created',
  'user_deleted',
] as const
