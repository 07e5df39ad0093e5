import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Appearance } from './design/appearance.ts'
import { appearance, appearances } from './design/appearance.ts'
import mark from './design/mark.svg'
import type { PageName } from './navigation/route.ts'
import { addressOf, route } from './navigation/route.ts'
import { issuerName, myAccountAddress, signOut } from './session/session.ts'
import { texts } from './text/texts.ts'

/** Which pages stand together, in the order of how often they are looked at. */
const groups = [
  { name: texts.frame.groups.watch, pages: ['overview', 'revocations', 'anomalies', 'audit'] },
  { name: texts.frame.groups.people, pages: ['accounts', 'sessions', 'clients'] },
  { name: texts.frame.groups.system, pages: ['keys', 'streams', 'settings'] },
] as const satisfies readonly { readonly name: string; readonly pages: readonly PageName[] }[]

/** What stands around every page: where one is, where one can go, who one is. */
export function Frame(props: {
  readonly identifier: string
  readonly children: ComponentChildren
}): JSX.Element {
  return (
    <div class="frame">
      <a
        class="skip"
        href="#page"
        onClick={(event) => {
          // The address says which page is shown.
          event.preventDefault()
          document.getElementById('page')?.focus()
        }}
      >
        {texts.frame.skip}
      </a>
      <header class="bar">
        <a class="brand" href={addressOf('overview')}>
          <img src={mark} alt="" width="28" height="28" />
          <span>{texts.frame.product}</span>
          <span class="quiet issuer">{issuerName}</span>
        </a>
        <button type="button" class="menu" popovertarget="pages">
          {texts.frame.menu}
        </button>
        <Person identifier={props.identifier} />
      </header>
      <Navigation />
      <main id="page" tabIndex={-1}>
        {props.children}
      </main>
    </div>
  )
}

function Navigation(): JSX.Element {
  const element = useRef<HTMLElement>(null)
  const here = route.value
  const isFirst = useRef(true)
  useEffect(() => {
    // On a phone the list lies over the page.
    if (element.current?.matches(':popover-open') === true) element.current.hidePopover()
    document.title = `${texts.frame.pages[here.page]} · ${texts.frame.product}`
    // Whoever listens rather than looks hears where they have come.
    if (!isFirst.current) document.getElementById('page')?.focus()
    isFirst.current = false
    scrollTo(0, 0)
  }, [here.page, here.id])
  return (
    <nav id="pages" ref={element} popover="auto" aria-label={texts.frame.navigation}>
      {groups.map(({ name, pages }) => (
        <section key={name}>
          <h2>{name}</h2>
          <ul>
            {pages.map((page) => (
              <li key={page}>
                <a href={addressOf(page)} aria-current={page === here.page ? 'page' : undefined}>
                  {texts.frame.pages[page]}
                </a>
              </li>
            ))}
          </ul>
        </section>
      ))}
      <AppearanceChoice />
    </nav>
  )
}

function AppearanceChoice(): JSX.Element {
  return (
    <label class="appearance">
      <span>{texts.frame.appearance}</span>
      <select
        value={appearance.value}
        onChange={(event) => {
          appearance.value = event.currentTarget.value as Appearance
        }}
      >
        {appearances.map((one) => (
          <option key={one} value={one}>
            {texts.frame.appearances[one]}
          </option>
        ))}
      </select>
    </label>
  )
}

function Person({ identifier }: { readonly identifier: string }): JSX.Element {
  return (
    <div class="person">
      <a href={myAccountAddress} title={texts.frame.myAccount}>
        {identifier}
      </a>
      <button type="button" onClick={() => void signOut()}>
        {texts.frame.signOut}
      </button>
    </div>
  )
}
