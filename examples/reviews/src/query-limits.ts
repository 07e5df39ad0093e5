import type { DefinitionNode, DocumentNode, SelectionNode, SelectionSetNode } from 'graphql'
import { GraphQLError, Kind, parse } from 'graphql'
import type { Plugin } from 'graphql-yoga'

/** Everything that the parser reads, so that neither it nor the validation has much to do. */
const tokensMax = 1000

interface Limit {
  readonly depth: number
  /** Fields under another alias and fields of fragments count each time. */
  readonly fields: number
}

/**
 * A field costs about one row to read, a list a hundred at most, so the number of fields is the cost.
 * Introspection has limits of its own, with room for the query that tools send: it is deep and wide,
 * and it reads nothing but the schema.
 */
const limits = {
  data: { depth: 8, fields: 50 },
  introspection: { depth: 16, fields: 250 },
} satisfies Readonly<Record<string, Limit>>

type Realm = keyof typeof limits

/** Refuses what is too large before it is validated: some rules compare every field with every other. */
export const limitQueries: Plugin = {
  onParse: ({ setParseFn }) => {
    setParseFn((source: Parameters<typeof parse>[0]) => parse(source, { maxTokens: tokensMax }))
  },
  onValidate: ({ params, setResult }) => {
    const mistake = findExcess(params.documentAST)
    if (mistake === undefined) return
    setResult([new GraphQLError(mistake, { extensions: { code: 'QUERY_TOO_LARGE' } })])
  },
}

/** Fragments are walked by themselves too, since validation looks into those that nobody spreads. */
function findExcess(document: DocumentNode): string | undefined {
  for (const definition of document.definitions) {
    const mistake = measure(definition, document)
    if (mistake !== undefined) return mistake
  }
  return undefined
}

/** Walks one definition with its fragments in place, and stops at the first step too many. */
function measure(definition: DefinitionNode, document: DocumentNode): string | undefined {
  if (!('selectionSet' in definition)) return undefined
  const fields: Record<Realm, number> = { data: 0, introspection: 0 }
  const fragments = new Map(
    document.definitions.flatMap((other) =>
      other.kind === Kind.FRAGMENT_DEFINITION ? [[other.name.value, other.selectionSet]] : [],
    ),
  )
  const walk = (set: SelectionSetNode, realm: Realm, depth: number): string | undefined => {
    if (depth > limits[realm].depth) return `deeper than ${limits[realm].depth} levels`
    for (const selection of set.selections) {
      const inside = realmOf(selection, realm)
      // A spread counts like a field: without that, fragments that spread each other were endless.
      fields[inside] += 1
      if (fields[inside] > limits[inside].fields) return `more than ${limits[inside].fields} fields`
      const below =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? fragments.get(selection.name.value)
          : selection.selectionSet
      if (below === undefined) continue
      const mistake = walk(below, inside, depth + (selection.kind === Kind.FIELD ? 1 : 0))
      if (mistake !== undefined) return mistake
    }
    return undefined
  }
  const onType =
    definition.kind === Kind.FRAGMENT_DEFINITION ? definition.typeCondition.name : undefined
  return walk(definition.selectionSet, onType?.value.startsWith('__') ? 'introspection' : 'data', 1)
}

function realmOf(selection: SelectionNode, realm: Realm): Realm {
  if (selection.kind !== Kind.FIELD) return realm
  const isIntrospection = selection.name.value === '__schema' || selection.name.value === '__type'
  return isIntrospection ? 'introspection' : realm
}
