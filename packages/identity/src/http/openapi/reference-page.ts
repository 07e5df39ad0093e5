import type { Markup } from '../pages/markup.ts'
import { markup } from '../pages/markup.ts'
import type { Page } from '../pages/page.ts'
import type { ApiDocument, ApiOperation } from './document.ts'

const style =
  '.wide .column{max-width:72rem}pre{overflow:auto;padding:.5rem;border:1px solid}code{overflow-wrap:anywhere}' +
  'section{margin:2rem 0}td,th{text-align:left;vertical-align:top;padding:.2rem 1rem .2rem 0}'

/** The document as one page, to be read and searched. */
export function referencePage({ info, paths, components }: ApiDocument): Page {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  const chapters = [...Map.groupBy(operations, ({ operation }) => operation.tags[0])].map(
    ([tag, members]) => markup`<h2>${tag}</h2>
${members.map(({ path, method, operation }) => section(method, path, operation))}`,
  )
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) => markup`<section id="${name}"><h3>${name}</h3>${code(schema)}</section>`,
  )
  return {
    title: `${info.title} ${info.version}`,
    isWide: true,
    body: markup`<p>${info.description} For programs: <a href="openapi.json">openapi.json</a>.</p>
${chapters}
<h2>Schemas</h2>
${schemas}`,
    style,
  }
}

function section(method: string, path: string, operation: ApiOperation): Markup {
  const { operationId, summary, security, parameters = [], requestBody, responses } = operation
  const asked = parameters.map(({ name, in: place, schema }) =>
    row(`${name} (${place})`, JSON.stringify(schema)),
  )
  const bodies = Object.entries(requestBody?.content ?? {}).map(
    ([mediaType, { schema }]) => markup`<p>Body: ${mediaType}</p>${code(schema)}`,
  )
  const answers = Object.entries(responses).map(([status, { description, content = {} }]) =>
    row(
      status,
      [description, ...Object.values(content).map(({ schema }) => said(schema))].join('. '),
    ),
  )
  return markup`<section id="${operationId}">
<h3>${method.toUpperCase()} <code>${path}</code></h3>
<p>${summary}. ${callerOf(security)}</p>
${tableOf(asked)}${bodies}${tableOf(answers)}</section>`
}

function callerOf(security: ApiOperation['security']): string {
  const names = security.flatMap((one) => Object.keys(one))
  return names.length === 0 ? 'Anybody may.' : `With: ${names.join(', or ')}.`
}

/** A name where there is one; whoever wants the whole finds it below. */
function said(schema: object): string {
  const names = JSON.stringify(schema).match(/(?<=schemas\/)\w+/g)
  return names === null ? JSON.stringify(schema) : [...new Set(names)].join(' or ')
}

function tableOf(rows: readonly Markup[]): Markup | undefined {
  return rows.length === 0 ? undefined : markup`<table>${rows}</table>`
}

function row(head: string, text: string): Markup {
  return markup`<tr><th scope="row">${head}</th><td><code>${text}</code></td></tr>`
}

function code(schema: object): Markup {
  return markup`<pre>${JSON.stringify(schema, undefined, 2)}</pre>`
}
