import type { JsonObject, JsonValue } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import { parseText, parseTexts, parseTime, present } from '../answer-members.ts'

export type Attributes = Readonly<Record<string, string | number | boolean>>

export interface AccountInfo {
  readonly id: string
  readonly identifier: string
  readonly email?: string
  readonly isEmailVerified: boolean
  readonly roles: readonly string[]
  readonly attributes: Attributes
  readonly isBlocked: boolean
  /** It was registered by mail, and nobody has used the link yet. */
  readonly isUnconfirmed: boolean
  readonly createdAt: Date
}

export interface AccountDetails extends AccountInfo {
  /** Of the sessions that the issuer still keeps. */
  readonly lastLoginAt?: Date
}

export function parseAccountInfo(value: JsonValue): AccountInfo | undefined {
  if (!isJsonObject(value)) return undefined
  const [id, identifier] = [parseText(value['id']), parseText(value['identifier'])]
  const [roles, attributes] = [parseTexts(value['roles']), parseAttributes(value['attributes'])]
  const createdAt = parseTime(value['created_at'])
  const { blocked, unconfirmed, email_verified: isEmailVerified } = value
  if (id === undefined || identifier === undefined || createdAt === undefined) return undefined
  if (roles === undefined || attributes === undefined) return undefined
  if (typeof blocked !== 'boolean' || typeof unconfirmed !== 'boolean') return undefined
  if (typeof isEmailVerified !== 'boolean') return undefined
  return {
    id,
    identifier,
    ...present({ email: parseText(value['email']) }),
    isEmailVerified,
    roles,
    attributes,
    isBlocked: blocked,
    isUnconfirmed: unconfirmed,
    createdAt,
  }
}

export function parseAccountDetails(body: JsonObject): AccountDetails | undefined {
  const account = parseAccountInfo(body)
  return account && { ...account, ...present({ lastLoginAt: parseTime(body['last_login_at']) }) }
}

export function parseAttributes(value: JsonValue | undefined): Attributes | undefined {
  if (!isJsonObject(value)) return undefined
  const isFlat = Object.values(value).every((one) => one !== null && typeof one !== 'object')
  return isFlat ? (value as Attributes) : undefined
}
