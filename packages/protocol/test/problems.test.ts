import assert from 'node:assert/strict'
import { test } from 'node:test'
import { problemCreator, serviceProblems } from '@portcullis/protocol'

const createProblem = problemCreator(serviceProblems)

test('a problem has a stable type and code, its status, and a title that is always the same', () => {
  const one = createProblem('invalid-token', 'the token has expired')
  const other = createProblem('invalid-token')
  assert.equal(one.type, 'urn:portcullis:problem:invalid-token')
  assert.equal(one.code, 'invalid-token')
  assert.equal(one.status, 401)
  assert.equal(one.title, other.title)
  assert.equal(one.detail, 'the token has expired')
  assert.ok(!('detail' in other))
})

test('a problem can name the fields that are at fault', () => {
  const errors = [{ field: '/identifier', message: 'is empty' }]
  assert.deepEqual(createProblem('invalid-request', undefined, errors).errors, errors)
})
