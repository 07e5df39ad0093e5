import { administratorRole, isJsonObject } from '@portcullis/protocol'
import type { Environment, Mistake } from '@portcullis/runtime'
import { checkAgainstSchema, holdsPassword } from '@portcullis/runtime'
import { fileSchema } from './file-schema.ts'
import { rules } from './rules.ts'
import { pointerOf, variableOf } from './setting.ts'
import { rolesOfFile, structureMistakes } from './structure-mistakes.ts'
import type { IdentityValues, SettingPath } from './table.ts'
import { settingEntries } from './table.ts'
import type { ChosenText } from './variables.ts'
import { valueOfText } from './variables.ts'

/** A setting as it holds, whoever said so. */
export interface InForce {
  readonly value: unknown
  readonly from: 'default' | 'file' | ChosenText['from']
  /** How mistakes name it: a variable, an option, or a JSON pointer into the file. */
  readonly where: string
  readonly isValid: boolean
}

export interface Resolved {
  readonly inForce: ReadonlyMap<SettingPath, InForce>
  readonly values: IdentityValues
  readonly fileMistakes: readonly Mistake[]
  readonly otherMistakes: readonly Mistake[]
}

/**
 * Which value of each setting holds (chosen outside the file, then the file, then the default), and
 * everything that is wrong with any of them. `values` is what it says only when nothing is. The environment
 * tells what this process has been given; settings in it are among the texts.
 */
export function resolveSettings(
  file: unknown,
  texts: ReadonlyMap<SettingPath, ChosenText>,
  environment: Environment = {},
): Resolved {
  const checked = checkAgainstSchema<unknown>(fileSchema, file)
  const bySchema = checked.kind === 'mistaken' ? checked.mistakes : []
  const isMistaken = (pointer: string): boolean =>
    bySchema.some(({ path }) => isInside(path, pointer) || isInside(pointer, path))

  const fileMistakes = [...bySchema, ...structureMistakes(file)]
  const otherMistakes: Mistake[] = []
  const inForce = new Map<SettingPath, InForce>()
  for (const [
    path,
    { schema, default: fallback, required, holdsPassword: mayHoldPassword },
  ] of settingEntries) {
    const chosen = texts.get(path)
    const pointer = pointerOf(path)
    if (chosen === undefined) {
      const said = valueAt(file, path)
      const from = said === undefined ? 'default' : 'file'
      if (mayHoldPassword === true && typeof said === 'string' && holdsPassword(said)) {
        const message = `must hold no password: set ${variableOf(path)}, or ${variableOf(path)}_FILE`
        fileMistakes.push({ path: pointer, message })
      }
      const isValid = !isMistaken(pointer)
      inForce.set(path, { value: said ?? fallback, from, where: pointer, isValid })
      if (required !== true || said !== undefined || !isValid) continue
      fileMistakes.push({ path: pointer, message: 'is required' })
      inForce.delete(path)
    } else {
      const value = valueOfText(path, chosen.text)
      const fits = checkAgainstSchema<unknown>(schema, value)
      const { from, where } = chosen
      inForce.set(path, { value, from, where, isValid: fits.kind === 'valid' })
      if (fits.kind === 'valid') continue
      otherMistakes.push(...fits.mistakes.map(({ message }) => ({ path: where, message })))
    }
  }
  const values = nest(inForce)
  for (const { from, mistake } of brokenRules(inForce, values, environment)) {
    const mistakes = from === 'file' || from === 'default' ? fileMistakes : otherMistakes
    mistakes.push(mistake)
  }
  const roles = inForce.get('accounts.defaultRoles')
  const fault = roles?.isValid === true ? rolesFault(values.accounts.defaultRoles, file) : undefined
  if (roles !== undefined && fault !== undefined) {
    const mistakes = roles.from === 'file' ? fileMistakes : otherMistakes
    mistakes.push({ path: roles.where, message: fault })
  }
  return { inForce, values, fileMistakes, otherMistakes }
}

/** The one setting that names what stands in the structure of the file. */
function rolesFault(roles: readonly string[], file: unknown): string | undefined {
  const known = rolesOfFile(file)
  if (roles.includes(administratorRole)) return `${administratorRole} is not for strangers`
  const unknown = roles.find((role) => !known.has(role))
  return unknown === undefined ? undefined : `${unknown} is not a role of the file`
}

function isInside(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(`${outer}/`)
}

function brokenRules(
  inForce: Resolved['inForce'],
  values: IdentityValues,
  environment: Environment,
): readonly { readonly from: InForce['from']; readonly mistake: Mistake }[] {
  return rules.flatMap(({ of, faultOf }) => {
    const concerned = of.flatMap((path) => inForce.get(path) ?? [])
    if (concerned.length < of.length || !concerned.every(({ isValid }) => isValid)) return []
    const message = faultOf(values, environment)
    if (message === undefined) return []
    // A default is right by itself: what somebody has said is what does not fit it.
    const said = concerned.find(({ from }) => from !== 'default') ?? concerned[0]
    return said === undefined ? [] : [{ from: said.from, mistake: { path: said.where, message } }]
  })
}

function valueAt(file: unknown, path: string): unknown {
  let value = file
  for (const member of path.split('.')) {
    value = isJsonObject(value) && Object.hasOwn(value, member) ? value[member] : undefined
  }
  return value
}

function nest(inForce: Resolved['inForce']): IdentityValues {
  const nested: Record<string, unknown> = {}
  for (const [path, { value }] of inForce) {
    const members = path.split('.')
    const last = members.pop() ?? ''
    let parent = nested
    for (const member of members) {
      parent = (parent[member] ??= {}) as Record<string, unknown>
    }
    parent[last] = value
  }
  // Each value was checked against the schema that its type comes from, or is the default beside it.
  return nested as unknown as IdentityValues
}
