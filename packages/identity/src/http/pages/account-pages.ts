import type { LinkRouteParts } from '../account-links.ts'
import type { HttpServer } from '../server.ts'
import type { ForgottenPasswordParts } from './forgotten-password.ts'
import { addForgottenPassword } from './forgotten-password.ts'
import type { MyAccountParts } from './my-account.ts'
import { addMyAccount } from './my-account.ts'
import type { MyPasswordParts } from './my-password.ts'
import { addMyPassword } from './my-password.ts'
import type { MySessionsParts } from './my-sessions.ts'
import { addMySessions } from './my-sessions.ts'
import { addLinkedPages, addPages } from './pages.ts'
import { addResetPassword } from './reset-password.ts'
import type { SignInParts } from './sign-in.ts'
import { addSignIn } from './sign-in.ts'
import type { SignOutParts } from './sign-out.ts'
import { addSignOut } from './sign-out.ts'
import type { SignUpParts } from './sign-up.ts'
import { addSignUp } from './sign-up.ts'
import { addVerifyEmail } from './verify-email.ts'

export type AccountPageParts = SignInParts &
  SignUpParts &
  SignOutParts &
  ForgottenPasswordParts &
  MyAccountParts &
  MyPasswordParts &
  LinkRouteParts &
  MySessionsParts

/**
 * Our own pages: signing in and out, and what people do with their accounts. They are HTML for browsers, work without
 * script, and do what the API does by the same operations. Who somebody is they see by the refresh cookie, which a
 * page that is opened leaves as it is.
 */
export function addAccountPages(app: HttpServer, parts: AccountPageParts): void {
  addPages(app, parts, (scope) => {
    addSignIn(scope, parts)
    addSignUp(scope, parts)
    addForgottenPassword(scope, parts)
    addSignOut(scope, parts)
    addMyAccount(scope, parts)
    addMyPassword(scope, parts)
    addMySessions(scope, parts)
  })
  addLinkedPages(app, parts, (scope) => {
    addResetPassword(scope, parts)
    addVerifyEmail(scope, parts)
  })
}
