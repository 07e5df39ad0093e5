import { ClientError } from '@portcullis/client'
import type { JSX } from 'preact'
import { texts } from '../text/texts.ts'

/** What went wrong, in words that say what to do; nothing where nothing did. */
export function Failure(props: {
  readonly error: unknown
  readonly onRetry?: () => void
  /** What was known before is still to be seen. */
  readonly isFormerShown?: boolean
}): JSX.Element | null {
  const { error, onRetry, isFormerShown = false } = props
  if (error === undefined) return null
  return (
    <div class="failure" role="alert">
      <p>
        {describe(error)} {isFormerShown && texts.lists.shownFromBefore}
      </p>
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
  const { retryAfterSeconds } = error
  const again = retryAfterSeconds === undefined ? undefined : failures.retryAfter(retryAfterSeconds)
  return [wordsOf(error), again].filter((words) => words !== undefined).join(' ')
}

function wordsOf({ code, status, reason = '', detail, faults }: ClientError): string {
  const { failures } = texts
  // What one thing is wrong with is said by the fault, and the detail would say it again.
  const facts = faults.map(({ field, message }) => failures.fault(field, message))
  const told = facts.length > 0 ? facts.join(' ') : detail && failures.detail(detail)
  const known = Object.hasOwn(failures.reasons, reason) ? failures.reasons[reason] : undefined
  if (known !== undefined) {
    return known.isDetailed === true && told ? `${known.words} ${told}` : known.words
  }
  if (code === 'refused' || code === 'bad-credentials' || code === 'account-blocked') {
    return told ? `${failures.refused} ${told}` : failures.unexplained(status, reason)
  }
  return told ? `${failures[code]} ${told}` : failures[code]
}
