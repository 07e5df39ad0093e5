import type { Account, AccountStore } from '../../domain/accounts.ts'
import type { BrowserSessionParts } from '../../domain/browser-sessions.ts'
import type { HttpServer } from '../server.ts'
import { buttonForm, noticeOf, noticeText } from './form-parts.ts'
import { markup, name, sentence } from './markup.ts'
import type { Page } from './page.ts'
import type { PageParts } from './pages.ts'
import { addressOf, show } from './pages.ts'
import { askToSignIn, sessionOf } from './signed-in.ts'

export interface MyAccountParts extends PageParts, BrowserSessionParts {
  readonly accounts: Pick<AccountStore, 'find'>
}

const noticeQuery = {
  type: 'object',
  properties: { notice: noticeText },
} as const

/** Who somebody is here, and what can be done about it. */
export function addMyAccount(scope: HttpServer, parts: MyAccountParts): void {
  const options = { schema: { querystring: noticeQuery } }
  scope.get(addressOf(parts, '/my-account'), options, async (request, reply) => {
    const session = await sessionOf(parts, request)
    const account = session && (await parts.accounts.find(session.accountId))
    if (account === undefined) return askToSignIn(request, reply, parts)
    return show(reply, parts, accountPage(parts, account, request.query))
  })
}

function accountPage(parts: PageParts, { identifier, email }: Account, query: unknown): Page {
  const { texts } = parts
  const { account: say } = texts
  // Of most people the one is the other.
  const address =
    email === undefined || email === identifier ? undefined : sentence(say.address, name(email))
  return {
    title: say.title,
    body: markup`${noticeOf(query, texts)}<p>${sentence(say.who, name(identifier))}</p>
${address && markup`<p class="soft">${address}</p>`}
<ul class="choices">
<li><a href="${addressOf(parts, '/my-account/sessions')}"><strong>${say.sessions}</strong><span>${say.sessionsText}</span></a></li>
<li><a href="${addressOf(parts, '/my-account/password')}"><strong>${say.password}</strong><span>${say.passwordText}</span></a></li>
</ul>
<div class="actions">${buttonForm(addressOf(parts, '/sign-out'), say.signOut)}
${buttonForm(addressOf(parts, '/sign-out/everywhere'), say.signOutEverywhere)}</div>`,
  }
}
