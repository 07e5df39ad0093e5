import type { AccountFault, FaultTexts } from '../domain/account-faults.ts'
import { tellFault } from '../domain/account-faults.ts'

/** Behind the name of the member. */
const texts: FaultTexts = {
  'identifier-empty': () => 'must not be empty',
  'identifier-too-long': ({ charactersMax }) =>
    `must not have more than ${charactersMax} characters`,
  'identifier-invisible': () => 'must not contain spaces or invisible characters',
  'identifier-mixed-alphabets': () => 'must not mix alphabets in one word',
  'identifier-no-address': () => 'must be an e-mail address',
  'email-malformed': () => 'is not an e-mail address',
  'email-without-domain': () => 'has no domain that mail could go to',
  'email-too-long': () => 'is too long for an e-mail address',
  'email-not-identifier': () => 'must be the identifier, which is an e-mail address itself',
  'password-missing': () => 'is required',
  'password-too-short': ({ charactersMin }) => `must have at least ${charactersMin} characters`,
  'password-too-long': ({ charactersMax }) => `must not have more than ${charactersMax} characters`,
  'password-common': () => 'is among the passwords that are guessed first',
  'password-like-identifier': () => 'must not contain the identifier, nor what stands before its @',
  'password-like-service': () => 'must not contain the name of this service',
  'password-breached': () => 'was found in a breach',
}

/** What is wrong, for programs and their developers; the pages for people have words of their own. */
export function accountFaultText(fault: AccountFault): string {
  return tellFault(texts, fault)
}
