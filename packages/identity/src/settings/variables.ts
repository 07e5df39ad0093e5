import type { Environment, ExposedFile, Mistake } from '@portcullis/runtime'
import { exposedFile, nearestName, readSecret } from '@portcullis/runtime'
import { secretVariables } from './secrets.ts'
import type { ValueSchema } from './setting.ts'
import { variableOf } from './setting.ts'
import type { SettingPath } from './table.ts'
import { identityTable, settingEntries } from './table.ts'

/** A setting that somebody has chosen outside the file. */
export interface ChosenText {
  readonly text: string
  readonly from: 'environment' | 'command line'
  /** The variable or option, as mistakes name it. */
  readonly where: string
}

export interface ReadVariables {
  readonly texts: ReadonlyMap<SettingPath, ChosenText>
  readonly mistakes: readonly Mistake[]
}

/** Every variable that identity reads: settings and secrets, each with its `_FILE` where it has one. */
export const identityVariables: readonly string[] = [
  ...settingEntries.flatMap(([path, { holdsPassword }]) => {
    const variable = variableOf(path)
    return holdsPassword === true ? [variable, `${variable}_FILE`] : [variable]
  }),
  ...secretVariables.flatMap(({ variable }) => [variable, `${variable}_FILE`]),
]

/** What the environment says of settings. An empty variable counts as one that is not set. */
export function readVariables(environment: Environment): ReadVariables {
  const texts = new Map<SettingPath, ChosenText>()
  const mistakes = misspeltVariables(environment)
  for (const [path, { holdsPassword }] of settingEntries) {
    const variable = variableOf(path)
    const read =
      holdsPassword === true
        ? readSecret(environment, variable)
        : ({ kind: 'text', text: environment[variable] ?? '', variable } as const)
    if (read.kind === 'mistaken') mistakes.push(read.mistake)
    if (read.kind !== 'text' || read.text === '') continue
    texts.set(path, { text: read.text, from: 'environment', where: read.variable })
  }
  return { texts, mistakes }
}

/** Files of settings that hold a password, and that others can read. */
export function exposedSettingFiles(environment: Environment): readonly ExposedFile[] {
  return settingEntries
    .filter(([, { holdsPassword }]) => holdsPassword === true)
    .map(([path]) => exposedFile(environment, variableOf(path)))
    .filter((exposed) => exposed !== undefined)
}

/** The value that a text means; one that cannot be read stays a text, which the schema then refuses. */
export function valueOfText(path: SettingPath, text: string): unknown {
  const schema: ValueSchema = identityTable[path].schema
  switch (schema.type) {
    case 'integer':
      return /^-?\d{1,15}$/.test(text) ? Number(text) : text
    case 'number':
      return /^\d{1,9}(?:\.\d{1,9})?$/.test(text) ? Number(text) : text
    case 'boolean':
      return text === 'true' || text === 'false' ? text === 'true' : text
    case 'array':
      return text.split(',').map((entry) => entry.trim())
    case 'string':
      return text
  }
}

/**
 * Other programs have variables of the same prefix, and Kubernetes makes some for each service that is
 * called portcullis. So what is not known is let be, unless it is a slip of the pen away from a name
 * that is: nobody gives two things such names on purpose.
 */
function misspeltVariables(environment: Environment): Mistake[] {
  const known = new Set(identityVariables)
  return Object.keys(environment)
    .filter((name) => /^PORTCULLIS_/i.test(name) && !known.has(name))
    .flatMap((name) => {
      const meant = nearestName(name, identityVariables)
      return meant === undefined
        ? []
        : [{ path: name, message: `is not known: did you mean ${meant}?` }]
    })
}
