import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import mark from './design/mark.svg'
import { Failure } from './elements/failure.tsx'
import { Frame } from './frame.tsx'
import { PageOf } from './pages/page-of.tsx'
import {
  askWhoIsSignedIn,
  issuerName,
  myAccountAddress,
  signInAddress,
  signOut,
  whoIs,
} from './session/session.ts'
import { texts } from './text/texts.ts'

/** The console for an operator, and for everybody else how to become one. */
export function App(): JSX.Element {
  const who = whoIs.value
  switch (who.kind) {
    case 'asking':
      return (
        <Alone>
          <p class="loading" role="status">
            {texts.frame.asking}
          </p>
        </Alone>
      )
    case 'unknown':
      return (
        <Alone>
          <Failure error={who.error} onRetry={() => void askWhoIsSignedIn()} />
        </Alone>
      )
    case 'nobody':
      return <Nobody wasSignedIn={who.wasSignedIn} />
    case 'operator':
      return (
        <Frame identifier={who.account.identifier}>
          <PageOf />
        </Frame>
      )
    case 'other':
      return <NoOperator identifier={who.account.identifier} wasOperator={who.wasOperator} />
  }
}

function Nobody({ wasSignedIn }: { readonly wasSignedIn: boolean }): JSX.Element {
  const { title, text } = wasSignedIn ? texts.frame.ended : texts.frame.nobody
  return (
    <Alone title={title} isNews={wasSignedIn}>
      <p>{text}</p>
      <div class="actions">
        <a class="button main" href={signInAddress()}>
          {texts.frame.signIn}
        </a>
      </div>
    </Alone>
  )
}

function NoOperator(props: {
  readonly identifier: string
  readonly wasOperator: boolean
}): JSX.Element {
  const { identifier, wasOperator } = props
  const { title, text } = wasOperator ? texts.frame.roleGone : texts.frame.notAllowed
  return (
    <Alone title={title} isNews={wasOperator}>
      <p>{text(identifier)}</p>
      <div class="actions">
        <button type="button" class="main" onClick={() => void signOut()}>
          {texts.frame.signInAsOther}
        </button>
        <a class="button" href={myAccountAddress}>
          {texts.frame.myAccount}
        </a>
      </div>
    </Alone>
  )
}

/** A page without the frame of the console. `isNews`: it has taken the place of another one by itself. */
function Alone(props: {
  readonly title?: string
  readonly isNews?: boolean
  readonly children: ComponentChildren
}): JSX.Element {
  const { title, isNews = false, children } = props
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    const { product } = texts.frame
    document.title = title === undefined ? product : `${title} · ${product}`
    // What had the focus is gone; whoever listens hears what has happened.
    if (isNews) heading.current?.focus()
  }, [title, isNews])
  return (
    <main class="alone">
      <p class="brand">
        <img src={mark} alt="" width="28" height="28" />
        <span>{texts.frame.product}</span>
        <span class="quiet issuer">{issuerName}</span>
      </p>
      {title !== undefined && (
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
      )}
      {children}
    </main>
  )
}
