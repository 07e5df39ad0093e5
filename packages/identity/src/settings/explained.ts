import { secretVariables } from './secrets.ts'
import { concepts } from './table.ts'

/** What the README says of a setting, for whoever looks at it where it is in force. */
export interface ExplainedSetting {
  readonly about: string
  readonly unit?: string
  /** What it belongs to. */
  readonly group: string
}

const ofSettings = Object.entries(concepts).flatMap(([group, table]) =>
  Object.entries(table).map(([path, { meaning, unit }]): [string, ExplainedSetting] => [
    path,
    { about: meaning, group, ...(unit !== undefined && { unit }) },
  ]),
)

const ofSecrets = secretVariables.map(({ variable, meaning }): [string, ExplainedSetting] => [
  variable,
  { about: meaning, group: 'secrets' },
])

/** By the path in the file, or the variable of a secret. */
export const explainedSettings: ReadonlyMap<string, ExplainedSetting> = new Map([
  ...ofSettings,
  ...ofSecrets,
])
