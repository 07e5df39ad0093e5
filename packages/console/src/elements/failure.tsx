import { ClientError } from '@portcullis/client'
import type { JSX } from 'preact'
import { texts } from '../text/texts.ts'

/** What went wrong, in words that say what to do; nothing where nothing did. */
export function Failure(props: {
  readonly error: unknown
  readonly onRetry?: () => void
}): JSX.Element | null {
  const { error, onRetry } = props
  if (error === undefined) return null
  return (
    <div class="failure" role="alert">
      <p>{describe(error)}</p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          {texts.lists.again}
        </button>
      )}
    </div>
  )
}

function describe(error: unknown): string {
  const { failures } = texts
  if (!(error instanceof ClientError)) return failures.unexpected
  const { code, reason, detail, faults, retryAfterSeconds } = error
  const isRoleMissing = reason === 'insufficient-scope'
  const known = code === 'bad-credentials' || code === 'account-blocked' ? 'refused' : code
  const facts = [
    isRoleMissing ? failures['not-allowed'] : failures[known],
    detail,
    ...faults.map(({ field, message }) => `${field} ${message}`.trim()),
    retryAfterSeconds === undefined ? undefined : failures.retryAfter(retryAfterSeconds),
  ]
  return facts.filter((fact) => fact !== undefined).join(' ')
}
