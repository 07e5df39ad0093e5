import type { JsonObject, JsonValue } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import { parseCount, parseList, parseText, parseTexts, present } from '../answer-members.ts'
import type { AskAdmin } from './requests.ts'
import { readAnswer } from './requests.ts'

/** A setting of the node that has answered. */
export interface SettingInForce {
  /** Its path in the file, or the variable of a secret. */
  readonly name: string
  /** `null` where nothing is chosen and there is no default; `set` or `not set` of a secret. No password is shown. */
  readonly value: JsonValue
  /** `default`, `file`, `environment` or `command line`; none of a secret. */
  readonly source?: string
  /** The variable or the option that says so. */
  readonly by?: string
  readonly isSecret: boolean
  /** What it is, in English; what stands between backticks is code. */
  readonly about?: string
  /** Of a number: `seconds`, `milliseconds`, `hours`, `days`, `bytes` or `KiB`. */
  readonly unit?: string
  /** What it belongs to: `sessions`, `tokens` … */
  readonly group?: string
}

/** Whom tokens can be for. */
export interface DeclaredAudience {
  readonly name: string
  /** The issuer itself, which no file declares. */
  readonly isBuiltIn: boolean
  readonly scopes: readonly string[]
  readonly roles: readonly string[]
  readonly accessTokenSeconds: number
  readonly algorithms: readonly string[]
  readonly isEncrypted: boolean
  readonly requiresDpop: boolean
  /** Claims of the operator's own, and the attribute of the account that each has. */
  readonly claims: Readonly<Record<string, string>>
}

/** A role that accounts can have. */
export interface DeclaredRole {
  readonly name: string
  readonly isBuiltIn: boolean
  /** What it grants, by audience. */
  readonly scopes: Readonly<Record<string, readonly string[]>>
}

/** A public client of the file. */
export interface DeclaredClient {
  readonly name: string
  readonly isPublic: boolean
  readonly grants: readonly string[]
  readonly audiences: readonly string[]
}

export interface SettingsInForce {
  readonly settings: readonly SettingInForce[]
  readonly audiences: readonly DeclaredAudience[]
  readonly roles: readonly DeclaredRole[]
  readonly clients: readonly DeclaredClient[]
}

export interface SettingsAdministration {
  /** What the issuer was told to do by its file and environment, which nobody can change from afar. */
  readonly read: () => Promise<SettingsInForce>
}

export function administerSettings(ask: AskAdmin): SettingsAdministration {
  return Object.freeze({
    read: async () =>
      readAnswer(await ask({ method: 'GET', path: '/admin/settings' }), parseSettings),
  } satisfies SettingsAdministration)
}

function parseSettings(body: JsonObject): SettingsInForce | undefined {
  const settings = parseList(body['settings'], parseSetting)
  const audiences = parseList(body['audiences'], parseAudience)
  const roles = parseList(body['roles'], parseRole)
  const clients = parseList(body['clients'], parseClient)
  if (settings === undefined || audiences === undefined) return undefined
  if (roles === undefined || clients === undefined) return undefined
  return { settings, audiences, roles, clients }
}

function parseSetting(value: JsonValue): SettingInForce | undefined {
  if (!isJsonObject(value)) return undefined
  const name = parseText(value['name'])
  if (name === undefined || value['value'] === undefined) return undefined
  const [source, by, about, unit, group] = ['source', 'by', 'about', 'unit', 'group'].map(
    (member) => parseText(value[member]),
  )
  return {
    name,
    value: value['value'],
    ...present({ source, by, about, unit, group }),
    isSecret: value['secret'] === true,
  }
}

function parseAudience(value: JsonValue): DeclaredAudience | undefined {
  if (!isJsonObject(value)) return undefined
  const name = parseText(value['name'])
  const accessTokenSeconds = parseCount(value['access_token_seconds'])
  if (name === undefined || accessTokenSeconds === undefined) return undefined
  const claims = isJsonObject(value['claims']) ? Object.entries(value['claims']) : []
  return {
    name,
    isBuiltIn: value['built_in'] === true,
    scopes: textsOf(value['scopes']),
    roles: textsOf(value['roles']),
    accessTokenSeconds,
    algorithms: textsOf(value['algorithms']),
    isEncrypted: value['encrypted'] === true,
    requiresDpop: value['dpop_required'] === true,
    claims: Object.fromEntries(
      claims.flatMap(([claim, from]) => (typeof from === 'string' ? [[claim, from]] : [])),
    ),
  }
}

function parseRole(value: JsonValue): DeclaredRole | undefined {
  if (!isJsonObject(value)) return undefined
  const name = parseText(value['name'])
  if (name === undefined) return undefined
  const granted = isJsonObject(value['scopes']) ? Object.entries(value['scopes']) : []
  const scopes = Object.fromEntries(granted.map(([audience, some]) => [audience, textsOf(some)]))
  return { name, isBuiltIn: value['built_in'] === true, scopes }
}

function parseClient(value: JsonValue): DeclaredClient | undefined {
  if (!isJsonObject(value)) return undefined
  const name = parseText(value['name'])
  if (name === undefined) return undefined
  const [grants, audiences] = [textsOf(value['grants']), textsOf(value['audiences'])]
  return { name, isPublic: value['public'] === true, grants, audiences }
}

function textsOf(value: JsonValue | undefined): readonly string[] {
  return parseTexts(value) ?? []
}
