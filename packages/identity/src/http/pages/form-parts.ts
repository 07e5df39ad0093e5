import { isJsonObject } from '@portcullis/protocol'
import { linkSeconds } from '../../domain/account-links.ts'
import type { Markup } from './markup.ts'
import { markup } from './markup.ts'
import type { NoticeName, Texts } from './texts.ts'

/** What is wrong with a form, and which of its fields it is about. */
export interface FormProblem {
  readonly text: string
  readonly fields: readonly string[]
}

interface Entry {
  readonly name: string
  readonly label: string
  /** A token of the autofill field names (WHATWG HTML section 4.10.18.7), which password managers go by. */
  readonly autocomplete: 'username' | 'email' | 'current-password' | 'new-password'
  readonly problem: FormProblem | undefined
  /** Whether it is the field to begin with. */
  readonly isFirst?: boolean
  readonly advice?: string
}

/** A name or an address, as it was typed. */
export function textEntry(
  entry: Entry & {
    readonly value?: string | undefined
    readonly type?: 'text' | 'email'
    readonly isOptional?: boolean
  },
): Markup {
  const { name, autocomplete, value, type = 'text', isOptional = false } = entry
  const required = isOptional ? undefined : markup` required`
  return entryOf(
    entry,
    markup`<input id="${name}" name="${name}" type="${type}" dir="auto" value="${value ?? ''}" autocomplete="${autocomplete}" autocapitalize="none" spellcheck="false"${required}${stateOf(entry)}>`,
  )
}

/** A password: pasted or filled in by a manager as one likes, of any length, and never sent back. */
export function passwordEntry(entry: Entry, { fields }: Texts): Markup {
  const { name, label, autocomplete } = entry
  return entryOf(
    entry,
    markup`<div class="secret" data-show="${fields.show}" data-hide="${fields.hide}" data-show-name="${fields.showPassword(label)}" data-hide-name="${fields.hidePassword(label)}"><input id="${name}" name="${name}" type="password" autocomplete="${autocomplete}" autocapitalize="none" spellcheck="false" required${stateOf(entry)}></div>`,
  )
}

function entryOf({ name, label, advice, problem }: Entry, input: Markup): Markup {
  const below =
    advice === undefined ? undefined : markup`<p class="soft" id="${name}-advice">${advice}</p>`
  const wrong =
    problem?.fields.length === 1 && problem.fields[0] === name
      ? markup`<p class="wrong" role="alert" id="${problemIdOf(problem)}">${problem.text}</p>`
      : undefined
  return markup`<div class="entry"><label for="${name}">${label}</label>
${wrong}${input}${below}</div>`
}

/** What is about one field stands beside it, and what is about several, or about none, above all of them. */
function problemIdOf({ fields: [first, ...others] }: FormProblem): string {
  return first === undefined || others.length > 0 ? 'problem' : `${first}-problem`
}

/** What the input says of itself to who cannot see: that it is wrong, and where it stands why. */
function stateOf({ name, problem, isFirst = false, advice }: Entry): Markup {
  const wrongBy = problem?.fields.includes(name) === true ? problemIdOf(problem) : []
  const describing = [wrongBy, advice === undefined ? [] : `${name}-advice`].flat()
  const described =
    describing.length === 0 ? markup`` : markup` aria-describedby="${describing.join(' ')}"`
  const wrong = typeof wrongBy === 'string' ? markup` aria-invalid="true"` : markup``
  const hasFocus = problem === undefined ? isFirst : problem.fields[0] === name
  return markup`${wrong}${described}${hasFocus ? markup` autofocus` : markup``}`
}

/** What is wrong with the form as a whole. Where it is about no field, there one begins to read. */
export function alertOf(problem: FormProblem | undefined): Markup {
  if (problem === undefined || problem.fields.length === 1) return markup``
  const focus = problem.fields.length === 0 ? markup` tabindex="-1" autofocus` : undefined
  return markup`<p role="alert" id="${problemIdOf(problem)}"${focus}>${problem.text}</p>`
}

/** The titles of the page of a form; the one in the tab begins with what is wrong. */
export function titlesOf(
  { problems }: Texts,
  heading: string,
  problem: FormProblem | undefined,
): { readonly title: string; readonly heading: string } {
  return { title: problem === undefined ? heading : problems.inTitle(heading), heading }
}

/** Ample for the name of a notice, in the query of every page that shows them. */
export const noticeText = { type: 'string', maxLength: 64 } as const

/** What has just been done, as the redirect behind it says. Only texts of ours can be chosen. */
export function noticeOf(query: unknown, { notices }: Texts): Markup {
  const name = textOf(query, 'notice')
  if (name === undefined || !Object.hasOwn(notices, name)) return markup``
  const notice = notices[name as NoticeName]
  const text = typeof notice === 'string' ? notice : notice(linkSeconds.reset / 60)
  return markup`<p role="status">${text}</p>`
}

export function hidden(name: string, value: string | undefined): Markup {
  return value === undefined
    ? markup``
    : markup`<input type="hidden" name="${name}" value="${value}">`
}

/** A form that is one button. */
export function buttonForm(action: string, label: string, more: Markup = markup``): Markup {
  return markup`<form method="post" action="${action}">${more}<button>${label}</button></form>`
}

/** A parameter of a query, or a field of a form, that is there once and is a text. */
export function textOf(parameters: unknown, name: string): string | undefined {
  const value: unknown =
    parameters instanceof Map
      ? parameters.get(name)
      : isJsonObject(parameters)
        ? parameters[name]
        : undefined
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Tells a password manager whose password it is; people see it on a page before. */
export function hiddenUsername(identifier: string): Markup {
  return markup`<input name="username" type="text" value="${identifier}" autocomplete="username" readonly hidden>`
}
