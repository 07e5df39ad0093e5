import { page, text } from './answers.ts'
import type { Answer, JsonSchema, Operation, Operations } from './operation.ts'
import { objectOf } from './operation.ts'

/*
 * Pages are for people; programs use the operations that stand beside these. Their forms count only when a page of the
 * issuer itself has sent them.
 */

const elsewhere: Answer = { description: 'Goes on to another page' }
const purpose = { return_to: text, client_id: text }
const signInForm = objectOf({}, { identifier: text, password: text, ...purpose })
const signUpForm = objectOf({}, { identifier: text, password: text, email: text, ...purpose })

/** A page that anybody may open. */
function opened(id: string, summary: string): Operation {
  return { id, tag: 'Pages', summary, caller: 'anyone', answers: { 200: page }, refusals: 'page' }
}

/** A page for whoever is signed in; others are sent to the sign-in. */
function openedByPerson(id: string, summary: string): Operation {
  const answers = { 200: page, 303: elsewhere }
  return { id, tag: 'Pages', summary, caller: 'browser', answers, refusals: 'page' }
}

/** What a button of a page sends. */
function sent(
  id: string,
  summary: string,
  {
    caller = 'browser',
    form = objectOf({}),
  }: { readonly caller?: Operation['caller']; readonly form?: JsonSchema } = {},
): Operation {
  return { id, tag: 'Pages', summary, caller, form, answers: { 303: elsewhere }, refusals: 'page' }
}

export const pageOperations: Operations = {
  'GET /sign-in': opened('showSignIn', 'Where people sign in, and applications send them to'),
  'POST /sign-in': sent('submitSignIn', 'Sign a browser in, by the refresh cookie', {
    caller: 'anyone',
    form: signInForm,
  }),
  'GET /sign-up': opened('showSignUp', 'Where people make an account, where they may'),
  'POST /sign-up': sent('submitSignUp', 'What the button of that page sends', {
    caller: 'anyone',
    form: signUpForm,
  }),
  'GET /forgot-password': opened('showForgottenPassword', 'Where people ask for a reset link'),
  'POST /forgot-password': sent('submitForgottenPassword', 'What the button of that page sends', {
    caller: 'anyone',
    form: objectOf({}, { identifier: text }),
  }),
  'POST /sign-out': sent('submitSignOut', 'End the session of the browser', {
    form: objectOf({}, purpose),
  }),
  'POST /sign-out/everywhere': sent('submitSignOutEverywhere', 'End every session of the person'),
  'GET /my-account': openedByPerson('showMyAccount', 'Who somebody is, and what to do about it'),
  'GET /.well-known/change-password': {
    id: 'findPasswordChange',
    tag: 'Pages',
    summary: 'Where password managers find the page that changes the password',
    caller: 'anyone',
    answers: { 303: elsewhere },
    refusals: 'page',
  },
  'GET /my-account/password': openedByPerson('showMyPassword', 'Where people change the password'),
  'POST /my-account/password': sent('submitMyPassword', 'What the button of that page sends', {
    form: objectOf({}, { current: text, new: text }),
  }),
  'GET /my-account/sessions': openedByPerson('showMySessions', 'Where somebody is signed in'),
  'POST /my-account/sessions/end': sent('submitSessionEnd', 'End one of these sessions', {
    form: objectOf({}, { sid: text, password: text }),
  }),
  'POST /my-account/sessions/end-others': sent(
    'submitOthersEnd',
    'End all but the one of the browser',
    { form: objectOf({}, { password: text }) },
  ),
}
