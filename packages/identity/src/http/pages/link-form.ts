import type { LinkRouteParts } from '../account-links.ts'
import type { FormProblem } from './form-parts.ts'
import { alertOf, hidden, passwordEntry, titlesOf } from './form-parts.ts'
import { markup } from './markup.ts'
import type { Page } from './page.ts'
import type { PageParts } from './pages.ts'
import type { Texts } from './texts.ts'

export type LinkPageParts = PageParts & LinkRouteParts

export interface LinkForm {
  readonly texts: Texts
  readonly action: string
  readonly say: { readonly title: string; readonly button: string }
  readonly label: string
  readonly autocomplete: 'current-password' | 'new-password'
  readonly advice?: string
}

/** Where the link of a mail leads: a password, and the token of the link with it. */
export function linkForm(form: LinkForm, token: string | undefined, problem?: FormProblem): Page {
  const { texts, action, say, ...entry } = form
  return {
    ...titlesOf(texts, say.title, problem),
    body: markup`${alertOf(problem)}<form method="post" action="${action}">
${hidden('token', token ?? '')}
${passwordEntry({ ...entry, name: 'password', problem, isFirst: true }, texts)}
<button class="main">${say.button}</button>
</form>`,
  }
}
