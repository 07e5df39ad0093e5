import { join } from 'node:path'
import { fileSchema } from '../packages/gateway/src/settings/schema.ts'
import { rowsOf } from './document-tables.ts'
import { root } from './source-tree.ts'

/**
 * The JSON Schema that editors check the routing file of the gateway by: the one that the gateway itself has, with
 * the words of the README. So a member without a row, and a row without a member, are errors here.
 */

export const gatewaySchemaPath: string = join(
  root,
  'packages/gateway/portcullis.gateway.schema.json',
)

const readme = 'packages/gateway/README.md'

export function gatewaySchemaSource(): string {
  const words = wordsByMember()
  const used = new Set<string>()
  const schema = described(fileSchema, '', (member) => {
    used.add(member)
    return words.get(member)
  })
  const idle = [...words.keys()].filter((member) => !used.has(member))
  if (idle.length > 0) throw new Error(`${readme} has rows of no member: ${idle.join(', ')}`)
  const title = 'The routing file of the Portcullis gateway'
  const whole = { $schema: 'http://json-schema.org/draft-07/schema#', title, ...schema }
  return `${JSON.stringify(whole, null, 2)}\n`
}

type Schema = Readonly<Record<string, unknown>>

/** Every member that has no members of its own must have its words. */
function described(
  schema: Schema,
  path: string,
  wordsOf: (member: string) => string | undefined,
): Schema {
  const words = wordsOf(path)
  const description = words === undefined ? {} : { description: words }
  const { properties, items } = schema
  if (isSchema(properties)) {
    // A route has the same as the default of all.
    const home = path === 'routes[].auth' ? 'auth' : path
    const members = Object.entries(properties).map(([name, member]) => {
      if (!isSchema(member)) throw new Error(`${path} has a member that is no schema`)
      return [name, described(member, home === '' ? name : `${home}.${name}`, wordsOf)]
    })
    return { ...schema, ...description, properties: Object.fromEntries(members) }
  }
  if (isSchema(items) && isSchema(items['properties'])) {
    return { ...schema, ...description, items: described(items, `${path}[]`, wordsOf) }
  }
  if (words === undefined) throw new Error(`${readme} has no row of ${path}`)
  return { ...schema, ...description }
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a row says of each member that its first cell names; `.roles` is beside the one before. */
function wordsByMember(): ReadonlyMap<string, string> {
  const words = new Map<string, string>()
  for (const [names = '', meaning = '', standard = ''] of rowsOf(readme, 3).slice(1)) {
    let parent = ''
    for (const [, name = ''] of names.matchAll(/`([^`]+)`/g)) {
      const member = name.startsWith('.') ? parent + name : name
      parent = member.slice(0, Math.max(0, member.lastIndexOf('.')))
      const isDefault = standard !== '' && !standard.startsWith('required')
      words.set(member, plain(isDefault ? `${meaning}. Default: ${standard}` : meaning))
    }
  }
  return words
}

function plain(text: string): string {
  return text.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1')
}
