import { escapeHtml, trustedMarkup } from '../pages/markup.ts'
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
  const sections = [...Map.groupBy(operations, ({ operation }) => operation.tags[0])].map(
    ([tag, members]) =>
      `<h2>${escapeHtml(tag)}</h2>` +
      members.map(({ path, method, operation }) => section(method, path, operation)).join('\n'),
  )
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) =>
      `<section id="${escapeHtml(name)}"><h3>${escapeHtml(name)}</h3>${code(schema)}</section>`,
  )
  return {
    title: `${info.title} ${info.version}`,
    isWide: true,
    body: trustedMarkup(`<p>${escapeHtml(info.description)} For programs: <a href="openapi.json">openapi.json</a>.</p>
${sections.join('\n')}
<h2>Schemas</h2>
${schemas.join('\n')}`),
    style,
  }
}

function section(method: string, path: string, operation: ApiOperation): string {
  const { operationId, summary, security, parameters = [], requestBody, responses } = operation
  const asked = parameters.map(({ name, in: place, schema }) =>
    row(`${name} (${place})`, JSON.stringify(schema)),
  )
  const bodies = Object.entries(requestBody?.content ?? {}).map(
    ([mediaType, { schema }]) => `<p>Body: ${escapeHtml(mediaType)}</p>${code(schema)}`,
  )
  const answers = Object.entries(responses).map(([status, { description, content = {} }]) =>
    row(
      status,
      [description, ...Object.values(content).map(({ schema }) => said(schema))].join('. '),
    ),
  )
  return `<section id="${escapeHtml(operationId)}">
<h3>${escapeHtml(method.toUpperCase())} <code>${escapeHtml(path)}</code></h3>
<p>${escapeHtml(summary)}. ${escapeHtml(callerOf(security))}</p>
${tableOf(asked)}${bodies.join('\n')}${tableOf(answers)}</section>`
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

function tableOf(rows: readonly string[]): string {
  return rows.length === 0 ? '' : `<table>${rows.join('')}</table>`
}

function row(head: string, text: string): string {
  return `<tr><th scope="row">${escapeHtml(head)}</th><td><code>${escapeHtml(text)}</code></td></tr>`
}

function code(schema: object): string {
  return `<pre>${escapeHtml(JSON.stringify(schema, undefined, 2))}</pre>`
}
