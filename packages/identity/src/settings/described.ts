import { isJsonObject } from '@portcullis/protocol'
import type { Environment } from '@portcullis/runtime'
import { redactPassword } from '@portcullis/runtime'
import type { InForce, Resolved } from './in-force.ts'
import { secretVariables } from './secrets.ts'
import type { SettingsTable } from './setting.ts'
import { structureSchema } from './structure.ts'
import { identityTable } from './table.ts'

/** One setting for people: `null` where nothing is chosen and there is no default. */
export interface SettingInForce {
  readonly value: unknown
  readonly from: InForce['from']
  /** The variable or the option that says so. */
  readonly by?: string
}

/** Every setting, and the structure of the file, without any password. */
export function describeSettings(
  inForce: Resolved['inForce'],
  file: unknown,
): Readonly<Record<string, SettingInForce>> {
  const table: SettingsTable = identityTable
  const settings = [...inForce].map(([path, { value, from, where }]) => [
    path,
    {
      value: (table[path]?.holdsPassword === true ? shown(value) : value) ?? null,
      from,
      ...(from === 'default' || from === 'file' ? {} : { by: where }),
    },
  ])
  const members = isJsonObject(file) ? file : {}
  const structure = Object.keys(structureSchema.properties)
    .filter((name) => members[name] !== undefined)
    .map((name) => [name, { value: members[name], from: 'file' }])
  return Object.fromEntries([...settings, ...structure])
}

/** Whether each secret is there, in its variable or as a file. */
export function describeSecrets(
  environment: Environment,
): Readonly<Record<string, 'set' | 'not set'>> {
  const described = secretVariables.map(({ variable }) => {
    const isSet = [variable, `${variable}_FILE`].some((name) => environment[name] !== undefined)
    return [variable, isSet ? 'set' : 'not set']
  })
  return Object.fromEntries(described)
}

function shown(address: unknown): unknown {
  return typeof address === 'string' ? redactPassword(address) : address
}
