import { settingEntries } from './table.ts'
import type { ValueSchema } from './setting.ts'
import { structureSchema } from './structure.ts'

interface ObjectSchema {
  readonly type: 'object'
  readonly additionalProperties: false
  readonly properties: Record<string, object>
  readonly required?: readonly string[]
}

/** JSON Schema of `portcullis.identity.json`: its structure, and every setting of the table. */
export const fileSchema: ObjectSchema = {
  type: 'object',
  additionalProperties: false,
  required: structureSchema.required,
  properties: {
    ...structureSchema.properties,
    ...propertiesOf(settingEntries.map(([path, { schema }]) => [path.split('.'), schema])),
  },
}

type Leaf = readonly [path: readonly string[], schema: ValueSchema]

/** The members of an object whose settings have these paths, however deep. */
function propertiesOf(leaves: readonly Leaf[]): Record<string, object> {
  const byHead = Map.groupBy(leaves, ([path]) => path[0] ?? '')
  const properties = [...byHead].map(([head, members]): [string, object] => {
    const [only] = members
    if (only !== undefined && only[0].length === 1) return [head, only[1]]
    const deeper = members.map(([path, schema]): Leaf => [path.slice(1), schema])
    return [head, { type: 'object', additionalProperties: false, properties: propertiesOf(deeper) }]
  })
  return Object.fromEntries(properties)
}
