import { isJsonObject } from '@portcullis/protocol'
import type { JsonObject, JsonValue } from '@portcullis/protocol'

/** What an event takes back. */
export type ToldRevocation =
  | { readonly kind: 'session'; readonly sid: string }
  /** Tokens of an account below a generation: our issuer says it, and no other has one. */
  | { readonly kind: 'generation'; readonly sub: string; readonly floor: number }
  /** Tokens of an account that were minted in this second or before. */
  | { readonly kind: 'minted'; readonly sub: string; readonly throughSeconds: number }

/** An event as the claims of its token have it (RFC 8417 section 2.2). */
export interface ToldEvent {
  /** Its whole type: `https://schemas.openid.net/secevent/caep/event-type/session-revoked`. */
  readonly type: string
  readonly payload: JsonObject
  /** `sub_id` (RFC 9493); whom it is about. */
  readonly subject: JsonObject | undefined
  /** Seconds since 1970: when it happened, or else when it was told. */
  readonly at: number
}

const sessionRevoked = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked'
/** What ends everything that an account has. Others are for the service to act on, if it wants to. */
const endings: ReadonlySet<string> = new Set([
  sessionRevoked,
  'https://schemas.openid.net/secevent/risc/event-type/account-disabled',
  'https://schemas.openid.net/secevent/risc/event-type/account-purged',
])

/** Undefined for an event that takes nothing back, or names nobody whom tokens of this issuer name. */
export function toldRevocationOf(
  issuer: string,
  { type, subject, at }: ToldEvent,
  revocation: JsonValue | undefined,
): ToldRevocation | undefined {
  if (!endings.has(type) || subject === undefined) return undefined
  const sid = sessionIn(subject)
  if (type === sessionRevoked && sid !== undefined) return { kind: 'session', sid }
  const sub = accountIn(issuer, subject)
  if (sub === undefined) return undefined
  const floor = isJsonObject(revocation) ? revocation['gen'] : undefined
  return Number.isSafeInteger(floor)
    ? { kind: 'generation', sub, floor: Number(floor) }
    : { kind: 'minted', sub, throughSeconds: Math.floor(at) }
}

function sessionIn({ format, session }: JsonObject): string | undefined {
  if (format !== 'complex' || !isJsonObject(session) || session['format'] !== 'opaque')
    return undefined
  return textIn(session, 'id')
}

function accountIn(issuer: string, subject: JsonObject): string | undefined {
  const user = subject['format'] === 'complex' ? subject['user'] : subject
  if (!isJsonObject(user) || user['format'] !== 'iss_sub' || user['iss'] !== issuer)
    return undefined
  return textIn(user, 'sub')
}

function textIn(object: JsonObject, name: string): string | undefined {
  const value = object[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}
