import assert from 'node:assert/strict'
import { StartError } from '@portcullis/runtime'

/** For `assert.rejects`: what an operator can mend, in these words, and how. */
export function startError(message: RegExp, remedy = /./): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StartError, String(error))
    assert.match(error.message, message)
    assert.match(error.remedy, remedy)
    return true
  }
}
