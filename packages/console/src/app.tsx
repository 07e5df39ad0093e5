import { administratorRole } from '@portcullis/protocol'
import type { ComponentChildren, JSX } from 'preact'
import { Failure } from './elements/failure.tsx'
import { Frame } from './frame.tsx'
import { PageOf } from './pages/page-of.tsx'
import {
  askWhoIsSignedIn,
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
      return (
        <Alone title={texts.frame.nobody.title}>
          <p>{texts.frame.nobody.text}</p>
          <a class="button main" href={signInAddress()}>
            {texts.frame.signIn}
          </a>
        </Alone>
      )
    case 'somebody':
      return who.account.roles.includes(administratorRole) ? (
        <Frame identifier={who.account.identifier}>
          <PageOf />
        </Frame>
      ) : (
        <NotAllowed identifier={who.account.identifier} />
      )
  }
}

function NotAllowed({ identifier }: { readonly identifier: string }): JSX.Element {
  return (
    <Alone title={texts.frame.notAllowed.title}>
      <p>{texts.frame.notAllowed.text(identifier)}</p>
      <div class="actions">
        <a class="button" href={myAccountAddress}>
          {texts.frame.myAccount}
        </a>
        <button type="button" onClick={() => void signOut()}>
          {texts.frame.signOut}
        </button>
      </div>
    </Alone>
  )
}

/** A page without the frame of the console. */
function Alone(props: {
  readonly title?: string
  readonly children: ComponentChildren
}): JSX.Element {
  return (
    <main class="alone">
      <h1>{props.title ?? texts.frame.product}</h1>
      {props.children}
    </main>
  )
}
