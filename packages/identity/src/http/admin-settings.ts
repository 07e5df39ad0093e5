import type { Audience, Registry } from '../domain/registry.ts'
import { allRoles, issuerAudience, isBuiltInRole } from '../domain/registry.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import type { HttpServer } from './server.ts'

export interface AdminSettingsParts {
  readonly issuer: string
  readonly callers: Callers
  readonly registry: Registry
  readonly described: Readonly<Record<string, ShownSetting>>
  readonly describedSecrets: Readonly<Record<string, 'set' | 'not set'>>
  readonly explainedSettings: ReadonlyMap<string, ExplainedMembers>
}

interface ShownSetting {
  readonly value: unknown
  readonly from: string
  readonly by?: string
}

interface ExplainedMembers {
  readonly about: string
  readonly unit?: string
  readonly group: string
}

/** What this node was told to do. Nothing here can be changed: it is the operator's file and environment. */
export function addAdminSettings(app: HttpServer, parts: AdminSettingsParts): void {
  const { issuer, callers, registry } = parts
  app.get(pathAtIssuer(issuer, '/admin/settings'), async (request) => {
    await callers.requireAdministrator(request)
    return {
      settings: settingsOf(parts),
      audiences: [
        ...Array.from(registry.audiences, ([name, audience]) => audienceMembers(name, audience)),
        { ...audienceMembers(issuer, issuerAudience), built_in: true },
      ],
      roles: allRoles(registry).map((name) => ({
        name,
        built_in: isBuiltInRole(name),
        scopes: Object.fromEntries(registry.roles.get(name) ?? []),
      })),
      clients: Array.from(registry.clients, ([name, { isPublic, grants, audiences }]) => ({
        name,
        public: isPublic,
        grants,
        audiences,
      })),
    }
  })
}

function settingsOf(parts: AdminSettingsParts): readonly object[] {
  const { described, describedSecrets, explainedSettings } = parts
  return [
    ...Object.entries(described).map(([name, { value, from, by }]) => ({
      name,
      value,
      source: from,
      by,
      ...explainedSettings.get(name),
    })),
    ...Object.entries(describedSecrets).map(([name, value]) => ({
      name,
      value,
      secret: true,
      ...explainedSettings.get(name),
    })),
  ]
}

function audienceMembers(name: string, audience: Audience): object {
  return {
    name,
    built_in: false,
    scopes: audience.scopes,
    roles: audience.roles,
    access_token_seconds: audience.accessTokenSeconds,
    algorithms: audience.algorithms,
    encrypted: audience.encryption !== undefined,
    dpop_required: audience.requiresDpop,
    claims: Object.fromEntries(audience.claims),
  }
}
