import { entriesOf } from './exported-declarations.ts'

/** The packages whose users read the documentation in their editor. */
const documentedPackages: readonly string[] = ['packages/verify']
const exportsMin = 40

/** What users import and what says nothing about itself there, as sentences. */
export function undocumentedExports(): readonly string[] {
  const found = documentedPackages.flatMap(entriesOf).flatMap(({ declarations }) => declarations)
  const places = new Map(found.map((one) => [`${one.path}: ${one.name}`, one.comment]))
  if (places.size < exportsMin) return [`only ${places.size} exports were found`]
  const silent = [...places].filter(([, comment]) => comment === undefined)
  return silent.map(([place]) => `${place} is exported to users without a documentation comment`)
}
