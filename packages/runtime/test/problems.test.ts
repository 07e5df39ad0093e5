import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProblemCode } from '@portcullis/protocol'
import { problemCreator, serviceProblems } from '@portcullis/protocol'
import { createProblem } from '@portcullis/runtime'

test('a server answers with problems of its own, and can name the fields that are at fault', () => {
  const errors = [{ field: '/identifier', message: 'is empty' }]
  const problem = createProblem('malformed', 'the body does not fit', errors)
  assert.deepEqual(problem, {
    type: 'urn:portcullis:problem:malformed',
    title: 'The request is malformed',
    status: 400,
    code: 'malformed',
    detail: 'the body does not fit',
    errors,
  })
})

test('what services answer with too is the same document at a server', () => {
  const createAtService = problemCreator(serviceProblems)
  const codes = Object.keys(serviceProblems) as (keyof typeof serviceProblems)[]
  assert.ok(codes.length >= 12)
  for (const code of codes) {
    const every: ProblemCode = code
    assert.deepEqual(createProblem(every, 'why'), createAtService(code, 'why'))
  }
})
