import assert from 'node:assert/strict'
import type { ValidateFunction } from 'ajv/dist/2020.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { ApiDocument, ApiResponse } from '../src/http/openapi/document.ts'
import { describeApi, operations } from '../src/http/openapi/document.ts'
import type { JsonSchema } from '../src/http/openapi/operation.ts'
import type { Answer, Question } from './http-client.ts'

/** Any issuer: what is answered does not hang on it. */
const document: ApiDocument = describeApi(
  'https://id.example',
  Object.keys(operations).map((name) => {
    const [method = '', path = ''] = name.split(' ')
    return { method, path, body: method === 'GET' ? undefined : {} }
  }),
)
const ajv = new Ajv2020({ strict: false, validateFormats: false })
ajv.addSchema(closed({ $id: 'document', components: document.components }))

/**
 * Holds an answer against what is documented for its operation: the status, the media type and every member of the
 * body, so that nothing is answered that nobody wrote down. Paths that no operation has are none of its business.
 */
export function holdAgainstDocument(question: Question, answer: Answer): void {
  const { method = 'GET', path } = question
  const [pathname = ''] = path.split('?')
  const responses = responsesOf(method, pathname)
  if (responses === undefined || isOfAnyPath(answer)) return
  const place = `${method} ${pathname} ${answer.status}`
  const response = responses[answer.status] ?? responses['default']
  assert.ok(response !== undefined, `${place} is not documented: ${answer.body.slice(0, 300)}`)
  const [mediaType = ''] = (answer.headers['content-type'] ?? '').split(';')
  const content = response.content?.[mediaType]
  if (content === undefined) {
    const isEmpty = response.content === undefined && answer.bytes.length === 0
    assert.ok(
      isEmpty,
      `${place} is not documented to be ${mediaType}: ${answer.body.slice(0, 300)}`,
    )
    return
  }
  if (!mediaType.endsWith('json')) return
  const validate = validatorOf(content.schema)
  assert.ok(
    validate(answer.members()),
    `${place} is not what is documented: ${ajv.errorsText(validate.errors)} in ${answer.body.slice(0, 300)}`,
  )
}

/** What is answered before a route is looked for, or where there is none after all. */
function isOfAnyPath({ status, body }: Answer): boolean {
  return status === 417 || (status === 404 && body.includes('"code":"not-found"'))
}

function responsesOf(
  method: string,
  pathname: string,
): Readonly<Record<string, ApiResponse>> | undefined {
  const name = method.toLowerCase()
  const found = Object.entries(document.paths).find(
    ([pattern, methods]) => name in methods && fits(pathname, pattern),
  )
  return found?.[1][name]?.responses
}

/** A path without parameters comes before one that has a parameter in the same place. */
function fits(pathname: string, pattern: string): boolean {
  const parameters = pattern.replaceAll(/\{\w+\}/g, '[^/]+')
  if (!new RegExp(`^${parameters}$`).test(pathname)) return false
  return !pattern.includes('{') || document.paths[pathname] === undefined
}

const validators = new Map<object, ValidateFunction>()

function validatorOf(schema: JsonSchema): ValidateFunction {
  const known = validators.get(schema)
  if (known !== undefined) return known
  const validate = ajv.compile(closed(schema))
  validators.set(schema, validate)
  return validate
}

/** Documents leave room for members to come; answers of today have none but those that are listed. */
function closed(schema: unknown): object {
  const text = JSON.stringify(schema, (_key, value: unknown) => {
    const isOpenObject =
      typeof value === 'object' && value !== null && 'required' in value && 'properties' in value
    return isOpenObject && !('additionalProperties' in value)
      ? { ...value, additionalProperties: false }
      : value
  })
  return JSON.parse(text.replaceAll('"#/components', '"document#/components')) as object
}
