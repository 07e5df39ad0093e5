import type { JsonObject, JsonValue } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import { parseText, parseTexts, parseTime, present } from '../answer-members.ts'

/** A service, a machine or a program of people, as administrators see it; never its secret. */
export interface ClientInfo {
  /** Stands in tokens. */
  readonly id: string
  /** What requests may use in the id's place. */
  readonly name: string
  readonly description?: string
  /** `file`: the operator's file says what it is. Otherwise `store`. */
  readonly origin: string
  readonly isEnabled: boolean
  readonly isPublic: boolean
  /** `none`, `client_secret` or `private_key_jwt`. */
  readonly authentication: string
  readonly grants: readonly string[]
  readonly audiences: readonly string[]
  readonly scopes: readonly string[]
  readonly jwks?: JsonObject
  readonly createdAt: Date
  readonly secretMadeAt?: Date
  /** While two secrets are good. */
  readonly formerSecretUntil?: Date
}

export function parseClientInfo(value: JsonValue): ClientInfo | undefined {
  if (!isJsonObject(value)) return undefined
  const { enabled, public: isPublic, jwks } = value
  const [id, name] = [parseText(value['client_id']), parseText(value['name'])]
  const origin = parseText(value['origin'])
  const authentication = parseText(value['authentication'])
  const createdAt = parseTime(value['created_at'])
  const asked = parseWhatItMayAsk(value)
  if (typeof enabled !== 'boolean' || typeof isPublic !== 'boolean') return undefined
  if (id === undefined || name === undefined || createdAt === undefined) return undefined
  if (origin === undefined || authentication === undefined || asked === undefined) return undefined
  return {
    id,
    name,
    origin,
    isEnabled: enabled,
    isPublic,
    authentication,
    ...asked,
    createdAt,
    ...present({
      description: parseText(value['description']),
      jwks: isJsonObject(jwks) ? jwks : undefined,
      secretMadeAt: parseTime(value['secret_made_at']),
      formerSecretUntil: parseTime(value['former_secret_until']),
    }),
  }
}

function parseWhatItMayAsk(
  value: JsonObject,
): Pick<ClientInfo, 'grants' | 'audiences' | 'scopes'> | undefined {
  const [grants, audiences, scopes] = ['grants', 'audiences', 'scopes'].map((name) =>
    parseTexts(value[name]),
  )
  if (grants === undefined || audiences === undefined || scopes === undefined) return undefined
  return { grants, audiences, scopes }
}
