import { isJsonObject } from '@portcullis/protocol'
import type { Environment } from '@portcullis/runtime'
import { redactPassword } from '@portcullis/runtime'
import type { InForce, Resolved } from './in-force.ts'
import type { IdentitySecrets } from './secrets.ts'
import { secretVariables, variablesOf } from './secrets.ts'
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

/** By their variables. */
export type DescribedSecrets = Readonly<Record<string, 'set' | 'not set'>>

/** By their paths in the file. */
export type DescribedSettings = Readonly<Record<string, SettingInForce>>

/** Every setting, and the structure of the file, without any password. */
export function describeSettings(inForce: Resolved['inForce'], file: unknown): DescribedSettings {
  const members = isJsonObject(file) ? file : {}
  const structure = Object.keys(structureSchema.properties)
    .filter((name) => members[name] !== undefined)
    .map((name) => [name, { value: members[name], from: 'file' }])
  return Object.fromEntries([...Object.entries(describeValues(inForce)), ...structure])
}

/** Every setting that is one value, without any password. */
export function describeValues(inForce: Resolved['inForce']): DescribedSettings {
  const table: SettingsTable = identityTable
  const settings = [...inForce].map(([path, { value, from, where }]) => [
    path,
    {
      value: (table[path]?.holdsPassword === true ? shown(value) : value) ?? null,
      from,
      ...(from === 'default' || from === 'file' ? {} : { by: where }),
    },
  ])
  return Object.fromEntries(settings)
}

/** Whether each secret is there, in its variable or as a file. */
export function describeSecrets(environment: Environment): DescribedSecrets {
  return describeEach((variable) =>
    [variable, `${variable}_FILE`].some((name) => environment[name] !== undefined),
  )
}

/** The same of a process that has them. */
export function describeGivenSecrets(secrets: IdentitySecrets): DescribedSecrets {
  const given = variablesOf(secrets)
  return describeEach((variable) => given.has(variable))
}

function describeEach(isSet: (variable: string) => boolean): DescribedSecrets {
  const described = secretVariables.map(
    ({ variable }) => [variable, isSet(variable) ? 'set' : 'not set'] as const,
  )
  return Object.fromEntries(described)
}

function shown(address: unknown): unknown {
  return typeof address === 'string' ? redactPassword(address) : address
}
